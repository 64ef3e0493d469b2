"""Deduplicates concurrent work: callers with the same key share one task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(slots=True)
class Flight(Generic[R]):
    task: asyncio.Task[R]
    callers: int = 0

    @property
    def has_failed(self) -> bool:
        """Some callers may not have learnt of it yet."""
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    async def result(self) -> R:
        """Raises what the work raises. A cancelled caller does not cancel the work."""
        return await asyncio.shield(self.task)


class SingleFlight(Generic[R]):
    """Work by key. It runs while it has callers and is cancelled when the last one leaves."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[R]] = {}

    @asynccontextmanager
    async def join(self, key: str, work: Callable[[], Coroutine[None, None, R]]) -> AsyncIterator[Flight[R]]:
        """The work under `key`, started unless it is running already, in which case it is shared.

        The last caller to leave waits until the work has stopped.
        """
        flight = self._flights.get(key)
        if flight is None or flight.has_failed:
            flight = self._flights[key] = Flight(asyncio.create_task(work()))
        flight.callers += 1
        try:
            yield flight
        finally:
            flight.callers -= 1
            if not flight.callers:
                if self._flights.get(key) is flight:
                    del self._flights[key]  # first, so that nobody joins a cancelled task
                flight.task.cancel()
                await asyncio.gather(flight.task, return_exceptions=True)
