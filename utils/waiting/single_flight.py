"""The same work is done once, however many ask for it while it runs."""

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

    async def result(self) -> R:
        """Raises what the work raises. A caller who stops waiting does not stop the work."""
        return await asyncio.shield(self.task)


class SingleFlight(Generic[R]):
    """Work by key. It goes on while one of its callers is there and stops when the last has left."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[R]] = {}

    @asynccontextmanager
    async def join(self, key: str, work: Callable[[], Coroutine[None, None, R]]) -> AsyncIterator[Flight[R]]:
        """The work under `key`, begun now unless it runs already: then there are several callers.

        The last to leave waits until the work has stopped.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(asyncio.create_task(work()))
        flight.callers += 1
        try:
            yield flight
        finally:
            flight.callers -= 1
            if not flight.callers:
                del self._flights[key]  # first, so that nobody joins what is about to stop
                flight.task.cancel()
                await asyncio.gather(flight.task, return_exceptions=True)
