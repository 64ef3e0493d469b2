"""Reads in other threads what is needed soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from utils.process.resources import lower_priority

R = TypeVar("R")


class ReadAhead:
    """Up to `limit` results are held at a time, a bound on memory; whatever else is needed is read where it
    is used."""

    def __init__(self, limit: int, threads: int) -> None:
        self._room = limit
        self._threads = ThreadPoolExecutor(threads, "read-ahead", initializer=lower_priority)

    @contextmanager
    def reading(self, read: Callable[[], R]) -> Iterator[Callable[[], R]]:
        """Gives a `read` to call in any thread, once or more, until the context ends."""
        if not self._room:
            yield read
            return
        self._room -= 1
        reading = self._threads.submit(read)

        def result() -> R:
            try:
                return reading.result()
            except CancelledError:  # the context has ended meanwhile
                return read()

        try:
            yield result
        finally:
            reading.cancel()
            self._room += 1
