"""Whether the audio of a live session comes as it is spoken, and how much of it waits to be recognised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from models import SAMPLE_RATE, seconds

MAX_AHEAD = 5.0  # seconds that a network may hold back and deliver at once
DRAIN = 1.5  # seconds of audio that a second empties: who talks on after a burst is live again
MAX_BACKLOG = seconds(60)


class Pace:
    """A leaky bucket: audio fills it, time empties it a little faster than anybody talks."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._last = clock()

    def take(self, num_samples: int) -> None:
        """So much audio has come."""
        now = self._clock()
        self._ahead = max(0.0, self._ahead - DRAIN * (now - self._last)) + num_samples / SAMPLE_RATE
        self._last = now

    @property
    def is_bulk(self) -> bool:
        """Whether it comes faster than anybody talks, as a file does."""
        return self._ahead > MAX_AHEAD


class Backlog:
    """Samples that wait for their transcript; a bound on what a session holds in memory."""

    def __init__(self) -> None:
        self._num_samples = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    @contextmanager
    def holding(self, num_samples: int) -> Iterator[None]:
        self._add(num_samples)
        try:
            yield
        finally:
            self._add(-num_samples)

    async def has_room(self) -> None:
        """Waits while there is too much."""
        await self._has_room.wait()

    def _add(self, num_samples: int) -> None:
        self._num_samples += num_samples
        if self._num_samples > MAX_BACKLOG:
            self._has_room.clear()
        else:
            self._has_room.set()
