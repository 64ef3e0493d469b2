"""Cutting a stream into overlapping segments and adding what became of them up again, in bounded memory.

The sums are those of `demucs.apply.apply_model(..., split=True)`, in the same order: the result is bit-equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

OVERLAP = 0.25  # of a segment, Demucs' own


def stride_of(segment: int) -> int:
    """Samples from the start of one segment to that of the next."""
    return int((1 - OVERLAP) * segment)


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """A segment and what surrounds it: the segment is `block[:, offset : offset + length]`."""

    block: Samples
    offset: int
    length: int


class SegmentCutter:
    """Cuts a stream of (channels, n) blocks into segments, each with up to half a segment on either side,
    for a model that hears more than the segment."""

    def __init__(self, segment: int, channels: int) -> None:
        self._segment = segment
        self._context = (segment + 1) // 2
        self._held = np.zeros((channels, 0), np.float32)
        self._first = 0  # of the samples held
        self._next = 0  # where the segment to come starts

    def feed(self, block: Samples) -> Iterator[Excerpt]:
        """The segments that `block` completes."""
        self._held = np.concatenate([self._held, block], axis=1)
        while self._next + self._segment + self._context <= self._stop:
            yield self._cut()

    def finish(self) -> Iterator[Excerpt]:
        """The segments that the end of the stream completes, the last of them shorter."""
        while self._next < self._stop:
            yield self._cut()

    @property
    def _stop(self) -> int:
        return self._first + self._held.shape[1]

    def _cut(self) -> Excerpt:
        first = max(self._next - self._context, 0)
        self._held, self._first = self._held[:, first - self._first :], first
        offset = self._next - first
        length = min(self._segment, self._stop - self._next)
        self._next += stride_of(self._segment)
        return Excerpt(self._held[:, : offset + length + self._context], offset, length)


class OverlapAdder:
    """Adds segments of shape (*shape, length) up under triangular weights. Samples come out as soon as no
    later segment can change them."""

    def __init__(self, segment: int, shape: Sequence[int]) -> None:
        self._stride = stride_of(segment)
        peak = segment - segment // 2
        rise, fall = np.arange(1, segment // 2 + 1), np.arange(peak, 0, -1)
        self._weights = np.concatenate([rise, fall]).astype(np.float32) / np.float32(peak)
        self._sum = np.zeros((*shape, 0), np.float32)  # from where the segment to come starts
        self._weight_sum = np.zeros(0, np.float32)

    def add(self, segment: Samples) -> Samples:
        """The finished samples: those before the next segment."""
        length = segment.shape[-1]
        weights = self._weights[:length]
        self._sum, self._weight_sum = _widened(self._sum, length), _widened(self._weight_sum, length)
        self._sum[..., :length] += weights * segment
        self._weight_sum[:length] += weights
        done = self._sum[..., : self._stride] / self._weight_sum[: self._stride]
        self._sum, self._weight_sum = self._sum[..., self._stride :], self._weight_sum[self._stride :]
        return done

    def finish(self) -> Samples:
        """What the last segment left, if anything."""
        return self._sum / self._weight_sum


def _widened(held: Samples, length: int) -> Samples:
    missing = max(0, length - held.shape[-1])
    return np.concatenate([held, np.zeros((*held.shape[:-1], missing), np.float32)], axis=-1)


def weighted_mean(estimates: Samples, weights: Sequence[float]) -> Samples:
    """One (channels, n) sound from the (models, channels, n) estimates of a bag of models."""
    total: Samples = np.zeros_like(estimates[0])
    for estimate, weight in zip(estimates, weights, strict=True):
        total += estimate * np.float32(weight)
    total /= np.float32(sum(weights))
    return total
