"""Log mel energies as in Kaldi with its defaults and 80 bins, all frames at once. Pure numpy."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Audio
from utils.audio.log_mel import triangular_filters

FRAME, HOP, FFT = 400, 160, 512  # samples
NUM_MELS = 80
LOWEST, HIGHEST = 20, SAMPLE_RATE / 2  # Hz
PREEMPHASIS = 0.97
EPSILON = np.finfo(np.float32).eps

Floats = npt.NDArray[np.float32]


def filterbank(audio: Audio) -> Floats:
    """(t, 80) log mel energies every 10 ms, less their mean, of at least 25 ms of samples."""
    spectrum, mels = _tables()
    frames = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(audio, FRAME)[::HOP])
    energies = np.log(np.maximum(np.square(frames @ spectrum) @ mels, EPSILON))
    return np.asarray(energies - energies.mean(axis=0), np.float32)


@cache
def _tables() -> tuple[Floats, Floats]:
    """(400, 512): from the samples of a frame, less their mean, pre-emphasised and in Povey's window, to the
    real and the imaginary parts of their spectrum except the highest bin, all of which is linear; (512, 80):
    triangular filters over the squares of both."""
    frames = np.eye(FRAME) - 1 / FRAME
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window = np.hanning(FRAME) ** 0.85
    spectrum = np.fft.rfft((frames - PREEMPHASIS * before) * window, FFT)[:, :-1]
    edges = np.linspace(_mel(LOWEST), _mel(HIGHEST), NUM_MELS + 2)
    triangles = triangular_filters(_mel(np.arange(FFT // 2)[:, None] * SAMPLE_RATE / FFT), edges)
    both = np.concatenate([spectrum.real, spectrum.imag], axis=1), np.concatenate([triangles, triangles])
    return both[0].astype(np.float32), both[1].astype(np.float32)


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)
