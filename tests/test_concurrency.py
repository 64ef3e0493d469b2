"""Waiting for threads and for each other."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest

from utils.concurrency import finish_in_thread, in_order, run_together


async def test_the_result_or_error_of_the_work_is_given() -> None:
    assert await finish_in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await finish_in_thread(lambda: 1 / 0)


@pytest.mark.parametrize("fails", [False, True])
async def test_work_of_a_cancelled_caller_is_waited_for(fails: bool) -> None:
    begun, release, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(5)
        done.set()
        if fails:
            raise OSError

    task = asyncio.create_task(finish_in_thread(work))
    assert await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_both_results_are_given() -> None:
    async def say(text: str) -> str:
        await asyncio.sleep(0)
        return text

    assert await run_together(say("a"), say("b")) == ("a", "b")


class Sibling:
    """Waits for ever and remembers how that ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = False

    async def wait(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@pytest.mark.parametrize("first_fails", [True, False])
async def test_a_failure_cancels_the_sibling_and_is_raised_bare(first_fails: bool) -> None:
    sibling = Sibling()

    async def fail() -> None:
        await sibling.begun.wait()
        raise ValueError("bare")

    pair = (fail(), sibling.wait()) if first_fails else (sibling.wait(), fail())
    with pytest.raises(ValueError, match="bare"):
        await run_together(*pair)
    assert sibling.cancelled


async def test_cancellation_reaches_both() -> None:
    siblings = Sibling(), Sibling()
    task = asyncio.create_task(run_together(siblings[0].wait(), siblings[1].wait()))
    await siblings[1].begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(sibling.cancelled for sibling in siblings)


async def test_results_come_in_order_and_few_run_at_once() -> None:
    running: list[int] = []

    async def work(n: int) -> int:
        running.append(n)
        await asyncio.sleep(0.02 if n % 2 == 0 else 0)
        return n

    seen = []
    async for n in in_order((work(n) for n in range(7)), most=3):
        seen.append(n)
        assert len(running) <= n + 3
    assert seen == list(range(7))


async def test_closed_early_it_cancels_what_runs() -> None:
    cancelled: list[int] = []

    async def work(n: int) -> int:
        try:
            await asyncio.sleep(0 if n == 0 else 30)
        except asyncio.CancelledError:
            cancelled.append(n)
            raise
        return n

    async with aclosing(in_order((work(n) for n in range(9)), most=3)) as results:
        assert await anext(results) == 0
    assert cancelled == [1, 2]
