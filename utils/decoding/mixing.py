"""Mixes decoded samples to one channel and brings them to 16 bits, without losing what is there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

INVERTED = -0.5  # correlation below which the mean of two channels would cancel what they share
MIN_EVIDENCE = 3 * SAMPLE_RATE  # samples with sound that settle how a recording is mixed
AUDIBLE = 1e-3  # of full scale, -60 dB
LOUDEST_SHARE = 99.9  # percentile: a few clicks above full scale are clipped and lower nothing
DAMAGE = 1000.0  # times full scale: no recorder writes that, but bytes read as float numbers say it


class StereoMixer:
    """The mean of two channels or, where one is inverted and both would cancel, the louder of them. Decided
    once for a recording, from its first seconds with sound."""

    def __init__(self) -> None:
        self._energy = np.zeros(2)
        self._product = 0.0
        self._evidence = 0

    def mono(self, block: Floats) -> Floats:
        """(1, n) of a (2, n) block."""
        self._listen(block)
        if self._product < INVERTED * np.sqrt(self._energy.prod()):
            louder = int(self._energy.argmax())
            return block[louder : louder + 1]
        return np.asarray(block.mean(axis=0, keepdims=True))

    def _listen(self, block: Floats) -> None:
        if self._evidence >= MIN_EVIDENCE:
            return
        left, right = block.astype(np.float64)
        if max(np.abs(left).max(initial=0), np.abs(right).max(initial=0)) < AUDIBLE:
            return
        self._energy += left @ left, right @ right
        self._product += float(left @ right)
        self._evidence += block.shape[1]


def cleaned(samples: Floats) -> Floats:
    """Numbers that no recorder writes, which are damage, become silence."""
    return np.where(np.abs(samples) <= DAMAGE, samples, np.float32(0))  # NaN compares false


def within_full_scale(block: Floats) -> Floats:
    """A block that is louder than full scale, lowered as a whole rather than clipped; no NaN is left."""
    level = np.abs(block)
    if level.max(initial=0) <= 1:  # false for NaN, which few decoders write
        return block
    block = np.nan_to_num(block, posinf=0.0, neginf=0.0)
    loudest = float(np.percentile(np.abs(block), LOUDEST_SHARE))
    return block / np.float32(max(1.0, loudest))


def as_16_bits(block: Floats) -> npt.NDArray[np.int16]:
    """Rounded; what exceeds full scale is clipped."""
    return np.asarray(np.rint(np.clip(block * np.float32(32768), -32768, 32767)), np.int16)
