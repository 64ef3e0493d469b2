"""Plans where to cut a recording into chunks. Pure and incremental: work starts before its end is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import Chunk, Span
from utils.speech.speech_map import FRAME, Probabilities, SpeechMap

EARLIEST_CUT = 0.75  # of the maximum chunk length; silence is searched for from there on
SILENT = 0.35  # speech probability below which a frame is silent


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """In samples. `longest` is the most that a chunk owns; `overlap`, at most half of that, is what two
    neighbours share."""

    longest: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= 2 * self.overlap <= self.longest:  # beyond it, cuts may not advance
            raise ValueError(f"overlap {self.overlap} is not within 0 and half of {self.longest}")


@dataclass(frozen=True, slots=True, eq=False)
class PlannedChunk:
    chunk: Chunk
    speech: SpeechMap


class ChunkPlanner:
    """Consumes speech probabilities as they arrive and yields chunks as soon as their end is known.

    The chunks tile the recording; each also hears half the overlap beyond its own ends, always in full: no
    cut is closer to the end of the recording than that.
    """

    def __init__(self, limits: ChunkLimits) -> None:
        self._limits = limits
        self._probabilities: Probabilities = np.zeros(0, np.float32)
        self._first = 0  # sample of the first buffered probability, a multiple of FRAME
        self._start = 0
        self._index = 0

    def feed(self, probabilities: Probabilities) -> Iterator[PlannedChunk]:
        self._probabilities = np.concatenate([self._probabilities, probabilities])
        reach = self._limits.longest + self._limits.overlap + FRAME
        while self._known_until - self._start >= reach:
            yield self._cut(self._choose_cut(self._start + self._limits.longest), self._known_until)

    def finish(self, num_samples: int) -> Iterator[PlannedChunk]:
        while num_samples - self._start > self._limits.longest:
            latest = min(self._start + self._limits.longest, num_samples - self._limits.overlap // 2)
            yield self._cut(self._choose_cut(latest), num_samples)
        if num_samples > self._start:
            yield self._cut(num_samples, num_samples)

    def upcoming(self) -> SpeechMap:
        """The speech of the next chunk, as far as it is known."""
        return self._speech(Span(max(0, self._start - self._limits.overlap // 2), self._known_until))

    @property
    def _known_until(self) -> int:
        return self._first + len(self._probabilities) * FRAME

    def _choose_cut(self, latest: int) -> int:
        """The middle of the longest silence near the end of the chunk, else its least speech-like frame."""
        end = (latest - self._first) // FRAME
        begin = (self._start + round(self._limits.longest * EARLIEST_CUT) - self._first) // FRAME + 1
        begin = min(begin, end - 1)
        frames = self._probabilities[begin:end]
        first, last = _longest_run(frames < SILENT)
        frame = (first + last) // 2 if last > first else int(np.argmin(frames))
        return self._first + (begin + frame) * FRAME

    def _cut(self, stop: int, num_samples: int) -> PlannedChunk:
        half = self._limits.overlap // 2
        heard = Span(max(0, self._start - half), min(num_samples, stop + half))
        chunk = Chunk(self._index, self._start, stop, heard)
        speech = self._speech(heard)
        self._start, self._index = stop, self._index + 1
        self._drop_before(max(0, stop - half))
        return PlannedChunk(chunk, speech)

    def _speech(self, heard: Span) -> SpeechMap:
        begin = (heard.start - self._first) // FRAME
        end = -(-(heard.stop - self._first) // FRAME)
        start = self._first + begin * FRAME
        return SpeechMap(start, heard.stop - start, self._probabilities[begin:end].copy())

    def _drop_before(self, sample: int) -> None:
        frames = (sample - self._first) // FRAME
        self._probabilities = self._probabilities[frames:]
        self._first += frames * FRAME


def _longest_run(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    """Half-open index range of the longest run of True; the last one on a tie; (0, 0) if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    best = len(starts) - 1 - int(np.argmax((stops - starts)[::-1]))
    return int(starts[best]), int(stops[best])
