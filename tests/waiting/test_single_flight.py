"""One piece of work for all who ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from exceptions import ModelFailedError
from utils.waiting.progress import Progress
from utils.waiting.single_flight import SingleFlight


class Work:
    """Counts its runs; ends when the gate opens."""

    def __init__(self) -> None:
        self.begun = 0
        self.stopped = 0
        self.gate = asyncio.Event()
        self.has_stopped = asyncio.Event()

    def saying(self, result: str) -> Callable[[], Coroutine[None, None, str]]:
        async def work() -> str:
            self.begun += 1
            try:
                await self.gate.wait()
                if result == "fail":
                    raise ModelFailedError("it crashed")
                return result
            finally:
                await asyncio.sleep(0)  # to stop takes a moment
                self.stopped += 1
                self.has_stopped.set()

        return work


async def run(flights: SingleFlight[str], key: str, work: Callable[[], Coroutine[None, None, str]]) -> str:
    async with flights.join(key, Progress(key), work) as flight:
        return await flight.result()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_callers_share_one_run() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(run(flights, "same", work.saying("done"))) for _ in range(3)]
    other = asyncio.create_task(run(flights, "other", work.saying("else")))
    await settled()
    work.gate.set()
    assert await asyncio.gather(*callers) == ["done"] * 3
    assert await other == "else"
    assert work.begun == 2


async def test_finished_work_runs_anew() -> None:
    flights, work = SingleFlight[str](), Work()
    work.gate.set()
    assert [await run(flights, "same", work.saying(text)) for text in "ab"] == ["a", "b"]


@pytest.mark.parametrize("leaver", [0, 1])
async def test_one_caller_that_leaves_does_not_stop_the_other(leaver: int) -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(run(flights, "same", work.saying("done"))) for _ in range(2)]
    await settled()
    callers[leaver].cancel()
    await asyncio.wait([callers[leaver]])
    assert work.stopped == 0
    work.gate.set()
    assert await callers[1 - leaver] == "done"
    assert work.begun == 1


async def test_the_work_stops_when_the_last_has_left() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(run(flights, "same", work.saying("done"))) for _ in range(2)]
    await settled()
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    assert (work.begun, work.stopped) == (1, 1)


async def test_nobody_joins_work_that_is_stopping() -> None:
    flights, work = SingleFlight[str](), Work()
    first = asyncio.create_task(run(flights, "same", work.saying("first")))
    await settled()
    first.cancel()
    await asyncio.sleep(0)
    second = asyncio.create_task(run(flights, "same", work.saying("second")))
    work.gate.set()
    assert await second == "second"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_all_callers_learn_of_a_failure() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(run(flights, "same", work.saying("fail"))) for _ in range(2)]
    work.gate.set()
    for caller in callers:
        with pytest.raises(ModelFailedError):
            await caller


async def test_who_comes_right_after_a_failure_starts_anew() -> None:
    flights, work = SingleFlight[str](), Work()
    work.gate.set()
    second: list[asyncio.Task[str]] = []

    async def fail() -> str:
        # Begins in the moment after the failure, before its caller learns of it.
        asyncio.get_running_loop().call_soon(
            lambda: second.append(asyncio.create_task(run(flights, "same", work.saying("second"))))
        )
        raise ModelFailedError("it crashed")

    with pytest.raises(ModelFailedError):
        await run(flights, "same", fail)
    third = asyncio.create_task(run(flights, "same", work.saying("third")))
    assert await second[0] == await third == "second"
