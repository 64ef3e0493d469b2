"""Log mel energies as in Kaldi with its defaults and 80 bins, in torch: all frames at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE

if TYPE_CHECKING:
    import torch

FRAME, HOP, FFT = 400, 160, 512  # samples
NUM_MELS = 80
LOWEST, HIGHEST = 20, SAMPLE_RATE / 2  # Hz
PREEMPHASIS = 0.97
EPSILON = float(np.finfo(np.float32).eps)


def filterbank(audio: torch.Tensor) -> torch.Tensor:
    """(t, 80) log mel energies every 10 ms, less their mean, of at least 25 ms of samples."""
    import torch

    window, mels = (table.to(audio.device) for table in _tables())
    frames = audio.unfold(0, FRAME, HOP)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    spectrum = torch.fft.rfft((frames - PREEMPHASIS * before) * window, FFT)[:, :-1]
    energies = (spectrum.abs().square() @ mels).clamp_min(EPSILON).log()
    return energies - energies.mean(dim=0)


@cache
def _tables() -> tuple[torch.Tensor, torch.Tensor]:
    """Povey's window (400,) and triangular filters (256, 80) over the spectrum's bins except the highest."""
    import torch

    window = np.hanning(FRAME) ** 0.85
    edges = np.linspace(_mel(LOWEST), _mel(HIGHEST), NUM_MELS + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bins = _mel(np.arange(FFT // 2)[:, None] * SAMPLE_RATE / FFT)
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return torch.from_numpy(window).float(), torch.from_numpy(np.maximum(triangles, 0)).float()


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)
