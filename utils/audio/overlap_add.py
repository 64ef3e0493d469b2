"""Cuts a stream into overlapping segments and overlap-adds their outputs, in bounded memory.

The sums are those of `demucs.apply.apply_model(..., split=True)`, in the same order: the result is
bit-identical.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

OVERLAP = 0.25  # of a segment; Demucs' default


def stride_of(segment: int) -> int:
    """Samples from the start of one segment to that of the next."""
    return int((1 - OVERLAP) * segment)


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """A segment with context: the segment is `block[:, offset : offset + length]`."""

    block: Samples
    offset: int
    length: int


class SegmentCutter:
    """Cuts a stream of (channels, n) blocks into segments, each with up to half a segment of context on each
    side, for models that see more than the segment."""

    def __init__(self, segment: int, channels: int) -> None:
        self._segment = segment
        self._context = (segment + 1) // 2
        self._buffer = np.zeros((channels, 0), np.float32)
        self._first = 0  # index of the first buffered sample
        self._next = 0  # start of the next segment

    def feed(self, block: Samples) -> Iterator[Excerpt]:
        """The segments that `block` completes."""
        self._buffer = np.concatenate([self._buffer, block], axis=1)
        while self._next + self._segment + self._context <= self._stop:
            yield self._cut()

    def finish(self) -> Iterator[Excerpt]:
        """The segments completed by the end of the stream, the last of them possibly shorter."""
        while self._next < self._stop:
            yield self._cut()

    @property
    def _stop(self) -> int:
        return self._first + self._buffer.shape[1]

    def _cut(self) -> Excerpt:
        first = max(self._next - self._context, 0)
        self._buffer, self._first = self._buffer[:, first - self._first :], first
        offset = self._next - first
        length = min(self._segment, self._stop - self._next)
        self._next += stride_of(self._segment)
        return Excerpt(self._buffer[:, : offset + length + self._context], offset, length)


class OverlapAdder:
    """Overlap-adds segments of shape (*shape, length) with triangular weights. Samples are returned once no
    later segment can change them."""

    def __init__(self, segment: int, shape: Sequence[int]) -> None:
        self._stride = stride_of(segment)
        peak = segment - segment // 2
        rise, fall = np.arange(1, segment // 2 + 1), np.arange(peak, 0, -1)
        self._weights = np.concatenate([rise, fall]).astype(np.float32) / np.float32(peak)
        self._sum = np.zeros((*shape, 0), np.float32)  # from the start of the next segment
        self._weight_sum = np.zeros(0, np.float32)

    def add(self, segment: Samples) -> Samples:
        """The finished samples: those before the next segment."""
        length = segment.shape[-1]
        weights = self._weights[:length]
        self._sum, self._weight_sum = _zero_padded(self._sum, length), _zero_padded(self._weight_sum, length)
        self._sum[..., :length] += weights * segment
        self._weight_sum[:length] += weights
        done = self._sum[..., : self._stride] / self._weight_sum[: self._stride]
        self._sum, self._weight_sum = self._sum[..., self._stride :], self._weight_sum[self._stride :]
        return done

    def finish(self) -> Samples:
        """The samples left after the last segment, if any."""
        return self._sum / self._weight_sum


def _zero_padded(buffer: Samples, length: int) -> Samples:
    missing = max(0, length - buffer.shape[-1])
    return np.concatenate([buffer, np.zeros((*buffer.shape[:-1], missing), np.float32)], axis=-1)


def weighted_mean(estimates: Samples, weights: Sequence[float]) -> Samples:
    """One (channels, n) signal from the (models, channels, n) estimates of a bag of models."""
    total: Samples = np.zeros_like(estimates[0])
    for estimate, weight in zip(estimates, weights, strict=True):
        total += estimate * np.float32(weight)
    total /= np.float32(sum(weights))
    return total
