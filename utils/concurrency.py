"""Two ways of waiting that asyncio does not have."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar

R = TypeVar("R")
S = TypeVar("S")


async def run_stoppable(work: Callable[[Callable[[], bool]], R]) -> R:
    """Run `work(stopped)` in a thread; on cancellation `stopped()` turns true and the thread is awaited,
    so that the files it writes are not taken away under it."""
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop.is_set))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([task])
        raise


async def run_together(first: Coroutine[None, None, R], second: Coroutine[None, None, S]) -> tuple[R, S]:
    """Both results; when one fails the other is cancelled and that error is raised, not a group of one."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return tasks[0].result(), tasks[1].result()
