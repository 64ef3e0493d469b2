"""Whisper's input: log mel energies, as openai/whisper computes them (`audio.py`). Pure."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Audio

HOP = 160  # samples per frame
FFT = 400
DYNAMIC_RANGE = 8.0  # of the base-10 logarithm, below the loudest bin
SMALLEST = 1e-10
LINEAR_MELS, HERTZ_PER_MEL = 15.0, 200 / 3  # Slaney's scale is linear up to 1 kHz,
LOG_STEP = np.log(6.4) / 27  # and logarithmic above

LogMel: TypeAlias = npt.NDArray[np.float32]
"""(mels, frames), a frame every 10 ms."""


def log_mel(audio: Audio, num_mels: int) -> LogMel:
    """The frames that `audio` fills."""
    num_frames = len(audio) // HOP
    if not num_frames:
        return np.zeros((num_mels, 0), np.float32)
    audio = np.pad(np.pad(audio, (0, HOP)), FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(audio, FFT)[: num_frames * HOP : HOP]
    spectrum = np.fft.rfft(frames * _window())
    power = spectrum.real**2 + spectrum.imag**2
    energies = np.log10(np.maximum(power @ _filters(num_mels), SMALLEST))
    energies = np.maximum(energies, energies.max() - DYNAMIC_RANGE)
    return np.ascontiguousarray(((energies + 4) / 4).T, np.float32)


@cache
def _window() -> npt.NDArray[np.float32]:
    """Hann's, periodic."""
    return np.hanning(FFT + 1)[:-1].astype(np.float32)


@cache
def _filters(num_mels: int) -> npt.NDArray[np.float32]:
    """(bins, mels): triangles of equal area, evenly spaced on Slaney's mel scale from 0 to 8 kHz."""
    bins = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE)[:, None]
    edges = _hertz(np.linspace(0, _mels(SAMPLE_RATE / 2), num_mels + 2))
    return (triangular_filters(bins, edges) * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def triangular_filters(
    bins: npt.NDArray[np.floating], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.floating]:
    """(n, m) from bins (n, 1) and edges (m + 2,): each filter rises to 1 and falls to 0 again over three
    neighbouring edges."""
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)), 0)


def _mels(hertz: float) -> float:
    """Of a frequency above 1 kHz."""
    return float(LINEAR_MELS + np.log(hertz / (LINEAR_MELS * HERTZ_PER_MEL)) / LOG_STEP)


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = LINEAR_MELS * HERTZ_PER_MEL * np.exp(LOG_STEP * (mels - LINEAR_MELS))
    return np.where(mels < LINEAR_MELS, HERTZ_PER_MEL * mels, above)
