"""Deduplicates concurrent work: callers with the same key share one task, which may outlive them a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from utils.waiting.concurrency import finished, stopped
from utils.waiting.progress import Progress

logger = logging.getLogger(__name__)

R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Flight(Generic[R]):
    """`progress` is that of the caller who started it; `expiry` cancels it, once it is abandoned."""

    task: asyncio.Task[R]
    progress: Progress
    callers: int = 0
    expiry: asyncio.TimerHandle | None = None

    @property
    def has_failed(self) -> bool:
        """Some callers may not have learnt of it yet."""
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    async def result(self) -> R:
        """Raises what the work raises. A cancelled caller does not cancel the work."""
        return await asyncio.shield(self.task)


class SingleFlight(Generic[R]):
    """Work by key. When its last caller leaves, it is abandoned: it goes on for `abandoned_seconds`, during
    which a caller may join it or find its result, and is then cancelled. Of more than `max_abandoned`, the
    one abandoned first is cancelled."""

    def __init__(self, abandoned_seconds: float = 0, max_abandoned: int = 0) -> None:
        self._abandoned_seconds = abandoned_seconds
        self._max_abandoned = max_abandoned
        self._flights: dict[str, Flight[R]] = {}
        self._abandoned: dict[str, Flight[R]] = {}  # some of `_flights`, the one abandoned first at the start
        self._stopping: set[asyncio.Task[R]] = set()

    @asynccontextmanager
    async def join(
        self, key: str, progress: Progress, work: Callable[[], Coroutine[None, None, R]]
    ) -> AsyncIterator[Flight[R]]:
        """The work under `key`, started unless it is running already, in which case it is shared and has the
        progress of another caller. If it may not be abandoned, the last caller to leave waits until it has
        stopped."""
        flight = self._flights.get(key)
        if flight is None or flight.has_failed:
            flight = self._start(key, progress, work)
        self._take_back(key)
        flight.callers += 1
        try:
            yield flight
        finally:
            flight.callers -= 1
            if not flight.callers:
                await self._leave(key, flight)

    async def cancel_oldest(self) -> bool:
        """Cancel the work that was abandoned first and wait until it has stopped, so that what it used is
        free; False if there is none."""
        if self._abandoned:
            self._cancel(next(iter(self._abandoned)))
        if not self._stopping:
            return False
        await finished(*self._stopping)
        return True

    def close(self) -> None:
        """Cancel all abandoned work, and from now on all work that its last caller leaves."""
        self._abandoned_seconds = 0
        for key in tuple(self._abandoned):
            self._cancel(key)

    async def wait_closed(self) -> None:
        """Wait until all cancelled work has stopped."""
        await finished(*self._stopping)

    def _start(self, key: str, progress: Progress, work: Callable[[], Coroutine[None, None, R]]) -> Flight[R]:
        flight = self._flights[key] = Flight(asyncio.create_task(work()), progress)

        def end(task: asyncio.Task[R]) -> None:
            self._stopping.discard(task)
            if flight.has_failed and self._abandoned.get(key) is flight:
                self._cancel(key)  # who comes back may have more luck

        flight.task.add_done_callback(end)
        return flight

    async def _leave(self, key: str, flight: Flight[R]) -> None:
        if flight.task.done() or not self._abandoned_seconds:
            if self._flights.get(key) is flight:
                del self._flights[key]  # first, so that nobody joins a cancelled task
            await stopped(flight.task)
            return
        self._abandoned[key] = flight
        flight.progress.is_abandoned = True
        flight.expiry = asyncio.get_running_loop().call_later(self._abandoned_seconds, self._cancel, key)
        logger.info(
            "%s: every caller has left; it goes on for %g s",
            flight.progress.request_id,
            self._abandoned_seconds,
        )
        if len(self._abandoned) > self._max_abandoned:
            self._cancel(next(iter(self._abandoned)))

    def _take_back(self, key: str) -> None:
        if flight := self._pop_abandoned(key):
            flight.progress.is_abandoned = False

    def _cancel(self, key: str) -> None:
        """Cancel work if it is still abandoned."""
        if flight := self._pop_abandoned(key):
            del self._flights[key]
            if not flight.task.done():
                logger.info("%s: stopped, as nobody came back for it", flight.progress.request_id)
                self._stopping.add(flight.task)
                flight.task.cancel()

    def _pop_abandoned(self, key: str) -> Flight[R] | None:
        flight = self._abandoned.pop(key, None)
        if flight and flight.expiry:
            flight.expiry.cancel()
        return flight
