"""Places decoded frames on the recording's own clock, as FFmpeg's `aresample=async=1` does, but bounded.

Times are integer microseconds, FFmpeg's AV_TIME_BASE.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

SECOND = 1_000_000
TOLERANCE = SECOND // 25  # containers round their times, some to 10 ms
LONGEST_OVERLAP = SECOND // 4  # a longer step back is another clock, such as that of a file appended
SUSPICIOUS = SECOND  # a longer gap needs confirmation: a damaged time may say anything
CONFIRMATIONS = 4  # frames that must go on from a suspicious time


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """A frame of `num_samples` at `rate`, and the presentation time that its container gives, if any."""

    frame: T
    num_samples: int
    rate: int
    time: int | None = None

    @property
    def duration(self) -> int:
        return self.num_samples * SECOND // self.rate


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A frame on the recording's clock: it starts at `start`. Before it goes silence of `gap` or, if that is
    negative, its beginning repeats what was there before."""

    timed: Timed[T]
    start: int
    gap: int


class Timeline(Generic[T]):
    """Where frames go. Gaps are filled up to `limit`; where times step back or jump beyond that, the
    recording goes on without a gap, and later times count from there."""

    def __init__(self, origin: int | None, start: int, limit: int) -> None:
        """The presentation time `origin` is at `start` of the recording; None: that of the first frame is."""
        self._origin = None if origin is None else origin - start
        self._limit = limit
        # The end of what was placed is counted in samples of one rate: rounded durations would add up.
        self._base, self._samples, self._rate = start, 0, 1

    @property
    def end(self) -> int:
        return self._base + self._samples * SECOND // self._rate

    def placed(self, frames: Iterator[Timed[T]]) -> Iterator[Placed[T]]:
        upcoming: deque[Timed[T]] = deque()
        while True:
            frame = upcoming.popleft() if upcoming else next(frames, None)
            if frame is None:
                return
            gap = self._drift(frame)
            if not -LONGEST_OVERLAP <= gap <= SUSPICIOUS:
                upcoming.extend(islice(frames, CONFIRMATIONS - len(upcoming)))
                gap = self._confirmed(gap, frame, upcoming)
            start = self.end + gap
            self._advance(gap, frame)
            yield Placed(frame, start, gap)

    def end_at(self, time: int) -> int:
        """Where the recording ends if damaged packets follow the last frame, up to a presentation time."""
        end = self.end if self._origin is None else time - self._origin
        return end if self.end + TOLERANCE < end <= self._limit else self.end

    def _drift(self, frame: Timed[T]) -> int:
        """How far the frame's time is ahead of the end of the frame before it; 0 within the tolerance."""
        if frame.time is None:
            return 0
        if self._origin is None:
            self._origin = frame.time - self.end
        drift = frame.time - self._origin - self.end
        return drift if abs(drift) > TOLERANCE else 0

    def _confirmed(self, jump: int, frame: Timed[T], following: deque[Timed[T]]) -> int:
        """The gap for a jump. A single time that the following frames contradict is ignored."""
        run = [frame, *following]
        if len(run) == 1 or any(not _continues(a, b) for a, b in pairwise(run)):
            return 0
        if jump > 0 and self.end + jump <= self._limit:
            return jump
        self._origin = (self._origin or 0) + jump
        return 0

    def _advance(self, gap: int, frame: Timed[T]) -> None:
        if gap or frame.rate != self._rate:
            self._base, self._samples, self._rate = self.end + gap, 0, frame.rate
        self._samples += frame.num_samples


def _continues(a: Timed[T], b: Timed[T]) -> bool:
    if a.time is None or b.time is None:
        return True
    return abs(b.time - a.time - a.duration) <= SUSPICIOUS
