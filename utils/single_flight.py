"""The same work is done once, however many ask for it while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(slots=True)
class Flight(Generic[R]):
    task: asyncio.Task[R]
    callers: int = 0


class SingleFlight(Generic[R]):
    """Work by key. It goes on while one of its callers is there and stops when the last has left."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[R]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    async def run(self, key: str, work: Callable[[], Coroutine[None, None, R]]) -> R:
        """The result of the work under `key`, begun now unless it runs already. Raises what it raises.

        The last caller to leave waits until the work has stopped.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(asyncio.create_task(work()))
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers:
                del self._flights[key]  # first, so that nobody joins what is about to stop
                flight.task.cancel()
                await asyncio.gather(flight.task, return_exceptions=True)
