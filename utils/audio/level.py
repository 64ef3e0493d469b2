"""The level of a whole recording, measured in one pass: Demucs expects every track at the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

EPSILON = 1e-8  # added, as in `demucs.api.Separator`, so that silence is not divided by zero


@dataclass(frozen=True, slots=True)
class Level:
    mean: np.float32
    deviation: np.float32

    def normalised(self, block: Samples) -> Samples:
        return (block - self.mean) / self.deviation

    def restored(self, block: Samples) -> Samples:
        return block * self.deviation + self.mean


class LevelMeter:
    """Mean and standard deviation of the channel mean, accumulated in double precision."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0

    def add(self, block: Samples) -> None:
        """Add a (channels, n) block."""
        mono = block.mean(axis=0, dtype=np.float64)
        self._count += len(mono)
        self._sum += float(mono.sum())
        self._squares += float(mono @ mono)

    @property
    def level(self) -> Level:
        mean = self._sum / max(self._count, 1)
        variance = (self._squares - self._count * mean**2) / max(self._count - 1, 1)
        return Level(np.float32(mean), np.float32(max(variance, 0.0) ** 0.5 + EPSILON))
