"""Waiting for threads, for results in order, and for sources with pauses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from utils.waiting.concurrency import ahead, finish_in_thread, in_order, in_thread, stopped, with_pauses


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
    for _ in range(3):  # a disconnect, then the shutdown of the server
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_cancelled_work_is_waited_for_by_a_caller_that_is_cancelled_again() -> None:
    stopping, release = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopping.set()
            await release.wait()

    async def caller() -> None:
        await stopped(running)

    running = asyncio.create_task(work())
    await asyncio.sleep(0)
    task = asyncio.create_task(caller())
    await stopping.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running.done()


async def test_results_come_in_order_and_few_run_at_once() -> None:
    running: list[int] = []

    async def work(n: int) -> int:
        running.append(n)
        await asyncio.sleep(0.02 if n % 2 == 0 else 0)
        return n

    seen = []
    async for n in in_order((work(n) for n in range(7)), limit=3):
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

    async with aclosing(in_order((work(n) for n in range(9)), limit=3)) as results:
        assert await anext(results) == 0
    assert cancelled == [1, 2]


async def test_the_next_is_made_while_one_is_in_use_and_no_more() -> None:
    made: list[int] = []

    async def numbers() -> AsyncGenerator[int]:
        for number in range(4):
            made.append(number)
            yield number

    seen = []
    async with aclosing(ahead(numbers())) as source:
        async for number in source:
            await asyncio.sleep(0.01)
            assert made[-1] == min(number + 1, 3)
            seen.append(number)
    assert seen == [0, 1, 2, 3]


async def test_a_failure_ahead_is_raised_in_its_place() -> None:
    async def fails() -> AsyncGenerator[int]:
        yield 1
        raise ValueError("second")

    source = ahead(fails())
    assert await anext(source) == 1
    with pytest.raises(ValueError, match="second"):
        await anext(source)


async def test_closing_ends_what_is_made_ahead() -> None:
    ended = asyncio.Event()

    async def slow() -> AsyncGenerator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with aclosing(ahead(slow())) as source:
        assert await anext(source) == 1
        await asyncio.sleep(0.01)
    assert ended.is_set()


async def test_a_pause_is_reported_and_what_follows_it_is_not_lost() -> None:
    release = asyncio.Event()

    async def slow() -> AsyncGenerator[str]:
        yield "a"
        await release.wait()
        yield "b"

    seen = []
    async with aclosing(with_pauses(slow(), 0.01)) as items:
        async for item in items:
            seen.append(item)
            if seen.count(None) == 2:
                release.set()
    assert [item for item in seen if item] == ["a", "b"]
    assert seen[:3] == ["a", None, None]


async def test_closing_in_a_pause_ends_the_source() -> None:
    ended = asyncio.Event()

    async def silent() -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            ended.set()

    async with aclosing(with_pauses(silent(), 0.01)) as items:
        assert await anext(items) is None
    assert ended.is_set()


async def test_a_failure_after_a_pause_is_raised() -> None:
    async def fails() -> AsyncGenerator[str]:
        await asyncio.sleep(0.03)
        raise ValueError("late")
        yield ""

    items = with_pauses(fails(), 0.01)
    assert await anext(items) is None
    with pytest.raises(ValueError, match="late"):
        _ = [item async for item in items]


async def test_items_are_made_in_a_thread_when_they_are_asked_for() -> None:
    made_in = []

    def items() -> Iterator[int | None]:
        for item in (1, None, 3):
            made_in.append(threading.get_ident())
            yield item

    async with aclosing(in_thread(items())) as source:
        assert [await anext(source), await anext(source)] == [1, None]
        assert len(made_in) == 2
        assert [item async for item in source] == [3]
    assert threading.get_ident() not in made_in
