"""Turns on a resource with a number of lanes: abandoned work takes one only while a lane is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from utils.waiting.progress import Progress

current_progress: ContextVar[Progress | None] = ContextVar("current_progress", default=None)
"""That of the request for which this task works. A context variable, since the stages between a request and a
model have no other use for it; None counts as work that somebody waits for."""


class Turns:
    """Counts the calls that run or are queued. Those of abandoned work are held back here, rather than in the
    queue, as their caller may come back at any time."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._calls = 0
        self._call_ended = asyncio.Event()

    @asynccontextmanager
    async def next(self) -> AsyncIterator[None]:
        while self._calls >= self._lanes and _is_abandoned():
            await self._call_ended.wait()
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            self._call_ended.set()
            self._call_ended = asyncio.Event()


def _is_abandoned() -> bool:
    progress = current_progress.get()
    return progress is not None and progress.is_abandoned
