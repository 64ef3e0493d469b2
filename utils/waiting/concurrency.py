"""Ways of waiting that asyncio does not have."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TypeVar

R = TypeVar("R")


class Lanes:
    """So many at once, or one with nothing beside it."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = asyncio.Semaphore(number)  # gives lanes in the order they were asked for
        self._sole = asyncio.Lock()  # two that each held half of the lanes would wait for ever

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._free:
            yield

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        async with self._sole, AsyncExitStack() as held:
            for _ in range(self._number):
                await held.enter_async_context(self._free)
            yield


async def finish_in_thread(work: Callable[[], R]) -> R:
    """Run short blocking work in a thread. A cancelled caller waits for its end all the same, so that
    files are not taken away under it."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def in_order(work: Iterable[Coroutine[None, None, R]], most: int) -> AsyncGenerator[R]:
    """Results in the order of `work`, of which `most` run at once; a result that nobody takes holds the rest
    back. Closed early, what still runs is cancelled."""
    running: deque[asyncio.Task[R]] = deque()
    try:
        for coroutine in work:
            running.append(asyncio.create_task(coroutine))
            if len(running) == most:
                yield await running[0]
                running.popleft()
        while running:
            yield await running[0]
            running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def ahead(source: AsyncGenerator[R]) -> AsyncGenerator[R]:
    """What `source` gives, the next of it made while the one before is in hand."""
    async with aclosing(source):
        coming = asyncio.ensure_future(anext(source))
        try:
            while True:
                try:
                    item = await coming
                except StopAsyncIteration:
                    return
                coming = asyncio.ensure_future(anext(source))
                yield item
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def with_pauses(source: AsyncGenerator[R], seconds: float) -> AsyncGenerator[R | None]:
    """What `source` gives, and None each time it has given nothing for so long."""
    async with aclosing(source):
        while True:
            coming = asyncio.ensure_future(anext(source))
            try:
                while not (await asyncio.wait([coming], timeout=seconds))[0]:
                    yield None
                item = coming.result()
            except StopAsyncIteration:
                return
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            yield item
