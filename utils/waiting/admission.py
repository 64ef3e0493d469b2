"""Admission control: caps concurrent transcriptions and drains them on shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from exceptions import OverloadedError, ShuttingDownError
from utils.waiting.progress import Progress


class Admission:
    """Counts the requests in flight; one over the limit is refused before its upload is read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_closed = False
        self._in_flight: dict[Progress, asyncio.Task[object] | None] = {}
        self._cancelled: set[Progress] = set()

    def close(self) -> None:
        """Admit no further requests."""
        self.is_closed = True

    def cancel_all(self) -> None:
        """Cancel the requests in flight; each is answered with ShuttingDownError."""
        for progress, task in self._in_flight.items():
            if task:
                self._cancelled.add(progress)
                task.cancel()

    @contextmanager
    def admit(self, request_id: str) -> Iterator[Progress]:
        """Raises OverloadedError; ShuttingDownError, also once the request was cancelled by `cancel_all`."""
        if self.is_closed:
            raise ShuttingDownError
        if len(self._in_flight) >= self.limit:
            raise OverloadedError(
                f"This server is processing {self.limit} transcriptions, its limit; try again soon."
            )
        progress = Progress(request_id)
        task = self._in_flight[progress] = asyncio.current_task()
        try:
            yield progress
        except asyncio.CancelledError:
            # A disconnect cancels the task too, and that must stay cancelled. Only a cancellation by
            # `cancel_all` is undone: the task goes on to answer 503, which a cancelled task could not.
            if task is None or progress not in self._cancelled:
                raise
            task.uncancel()
            raise ShuttingDownError from None
        finally:
            del self._in_flight[progress]
            self._cancelled.discard(progress)

    @property
    def in_flight(self) -> list[Progress]:
        return list(self._in_flight)
