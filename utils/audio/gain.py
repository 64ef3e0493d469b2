"""Raises faint sound to a steady level, as an automatic gain control does. Pure and causal: how the sound is
cut into blocks changes nothing."""

from __future__ import annotations

from itertools import accumulate
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE

LEVEL = 4.0  # dB of full scale (root mean square) that recent sound is raised to, before it is limited
MAX_GAIN = 45.0  # dB
RELEASE = 20.0  # dB per second that the level may fall after loud sound; it rises at once
QUIETEST = -120.0  # dB

Frames: TypeAlias = npt.NDArray[np.float32]
"""(n, samples): consecutive frames of equal length."""


def recent_levels(frames: Frames, level: float) -> npt.NDArray[np.float64]:
    """The recent level in dB at the end of each frame, given that before the first."""
    powers = np.mean(frames**2, axis=1, dtype=np.float64)
    own = 10 * np.log10(np.maximum(powers, 10 ** (QUIETEST / 10)))
    fall = RELEASE * frames.shape[1] / SAMPLE_RATE
    after = accumulate(own.tolist(), lambda recent, now: max(now, recent - fall), initial=level)
    return np.array(list(after)[1:])


def raised(frames: Frames, levels: npt.NDArray[np.float64], level: float) -> Frames:
    """The frames at `LEVEL`, without clipping; `levels` are their recent ones, `level` the one before."""
    gains = 10 ** (np.clip(LEVEL - np.append(level, levels), 0, MAX_GAIN) / 20)
    ramps = np.linspace(gains[:-1], gains[1:], frames.shape[1], axis=1)
    return np.tanh(frames * ramps).astype(np.float32)
