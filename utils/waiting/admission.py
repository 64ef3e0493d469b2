"""How many transcriptions are in the house, how far each has come, and what happens when it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from exceptions import OverloadedError, ShuttingDownError
from utils.waiting.progress import Progress


class Admission:
    """Counts requests at the door: one too many is turned away before its upload is read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_closed = False
        self._inside: dict[Progress, asyncio.Task[object] | None] = {}
        self._sent_home: set[Progress] = set()

    def close(self) -> None:
        """Nobody comes in any more."""
        self.is_closed = True

    def send_home(self) -> None:
        """Whoever is still inside is told to come again: their work is cancelled."""
        for progress, task in self._inside.items():
            if task:
                self._sent_home.add(progress)
                task.cancel()

    @contextmanager
    def enter(self, request_id: str) -> Iterator[Progress]:
        """Raises OverloadedError; ShuttingDownError, also to whoever is inside for too long."""
        if self.is_closed:
            raise ShuttingDownError
        if len(self._inside) >= self.limit:
            raise OverloadedError(f"This server is working on {self.limit} transcriptions; try again soon.")
        progress = Progress(request_id)
        task = self._inside[progress] = asyncio.current_task()
        try:
            yield progress
        except asyncio.CancelledError:
            if task is None or progress not in self._sent_home:
                raise
            task.uncancel()
            raise ShuttingDownError from None
        finally:
            del self._inside[progress]
            self._sent_home.discard(progress)

    @property
    def inside(self) -> list[Progress]:
        return list(self._inside)
