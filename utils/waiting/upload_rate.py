"""How fast an upload arrives."""

from __future__ import annotations

from collections.abc import Callable

LEAST_RATE = 1000.0  # bytes a second: 8 kbit/s, below what any network or live recording sends
WINDOW_SECONDS = 60.0
GRACE_SECONDS = 5.0


class UploadRate:
    """The rate of an upload in bytes a second, since it began and over the latest window."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = self._window_started = clock()
        self._bytes = self._window_bytes = 0

    def add(self, num_bytes: int) -> bool:
        """Counts bytes; False at the end of a window in which fewer arrived than LEAST_RATE asks for."""
        self._bytes += num_bytes
        self._window_bytes += num_bytes
        elapsed = self._clock() - self._window_started
        if elapsed < WINDOW_SECONDS:
            return True
        was_fast = self._window_bytes >= LEAST_RATE * elapsed
        self._window_started, self._window_bytes = self._clock(), 0
        return was_fast

    @property
    def average(self) -> float:
        return self._bytes / max(self._clock() - self._started, GRACE_SECONDS)

    def is_slow(self) -> bool:
        """Whether it had time to begin and is slower than LEAST_RATE."""
        return self._clock() - self._started >= GRACE_SECONDS and self.average < LEAST_RATE
