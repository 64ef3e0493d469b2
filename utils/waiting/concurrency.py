"""Concurrency helpers that asyncio lacks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, TypeVar, cast

R = TypeVar("R")


class Lanes:
    """Limits how many run at once; `all` runs one exclusively."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._semaphore = asyncio.Semaphore(number)  # FIFO
        self._exclusive = asyncio.Lock()  # two that each held half of the lanes would deadlock

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._semaphore:
            yield

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        async with self._exclusive, AsyncExitStack() as held:
            for _ in range(self._number):
                await held.enter_async_context(self._semaphore)
            yield


async def finish_in_thread(work: Callable[[], R]) -> R:
    """Run short blocking work in a thread. A cancelled caller still waits until it ends, however often it is
    cancelled, so that its files are not deleted while it uses them."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    await finished(task)
    return task.result()


async def finished(*futures: asyncio.Future[Any]) -> None:
    """Waits until all are done; does not raise what they raise. A cancelled caller still waits, and is
    cancelled only then: after a disconnect the shutdown of the server may cancel it once more, and work must
    not be left behind that uses what its caller is about to delete."""
    cancellation = None
    while running := [future for future in futures if not future.done()]:
        try:
            await asyncio.wait(running)  # unlike `gather`, it does not cancel what it waits for
        except asyncio.CancelledError as error:
            cancellation = error
    for future in futures:
        _ = future.cancelled() or future.exception()  # retrieved, else asyncio would log it as forgotten
    if cancellation:
        raise cancellation


async def stopped(*futures: asyncio.Future[Any]) -> None:
    """Cancels all and waits until they are done."""
    for future in futures:
        future.cancel()
    await finished(*futures)


async def in_thread(source: Iterator[R]) -> AsyncGenerator[R]:
    """Yields from `source`, computing each item in a thread when it is asked for."""
    end = object()
    while (item := await asyncio.to_thread(next, source, end)) is not end:
        yield cast(R, item)


async def in_order(work: Iterable[Coroutine[None, None, R]], limit: int) -> AsyncGenerator[R]:
    """Results in the order of `work`, with up to `limit` running at once; a result that is not consumed
    holds back the rest. If closed early, the running work is cancelled."""
    running: deque[asyncio.Task[R]] = deque()
    try:
        for coroutine in work:
            running.append(asyncio.create_task(coroutine))
            if len(running) == limit:
                yield await running[0]
                running.popleft()  # only now: until it is consumed, a result counts towards the limit
        while running:
            yield await running[0]
            running.popleft()
    finally:
        await stopped(*running)


async def ahead(source: AsyncGenerator[R]) -> AsyncGenerator[R]:
    """Yields from `source`, computing the next item while the caller handles the current one."""
    async with aclosing(source):
        upcoming = asyncio.ensure_future(anext(source))
        try:
            while True:
                try:
                    item = await upcoming
                except StopAsyncIteration:
                    return
                upcoming = asyncio.ensure_future(anext(source))
                yield item
        finally:  # wait for it to stop: a generator that is running cannot be closed
            await stopped(upcoming)


async def with_pauses(source: AsyncGenerator[R], seconds: float) -> AsyncGenerator[R | None]:
    """Yields from `source`, and None each time it has yielded nothing for `seconds`."""
    async with aclosing(source):
        while True:
            upcoming = asyncio.ensure_future(anext(source))
            try:
                # Unlike `wait_for`, `wait` does not cancel the step when it times out.
                while not (await asyncio.wait([upcoming], timeout=seconds))[0]:
                    yield None
                item = upcoming.result()
            except StopAsyncIteration:
                return
            finally:
                await stopped(upcoming)
            yield item
