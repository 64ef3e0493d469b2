"""Connections that nobody but their client ends, at a shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Drain:
    """First `began` asks each connection to finish; once `over` is set it must leave."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.over = asyncio.Event()
        self._open = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def is_empty(self) -> bool:
        return self._open == 0

    @contextmanager
    def connection(self) -> Iterator[None]:
        self._open += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._open -= 1
            if self.is_empty:
                self._empty.set()

    async def end(self, seconds: float) -> None:
        """Make all leave, and wait for that, but no longer than `seconds`."""
        self.over.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
