"""Work whose callers have all left: for how long it goes on, and who may still have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from exceptions import ModelFailedError
from tests.waiting.test_single_flight import Work, run, settled
from utils.waiting.progress import PartOfProgress, Progress
from utils.waiting.single_flight import SingleFlight

LONG = 60.0  # seconds, more than any test takes


async def leave(
    flights: SingleFlight[str], key: str, work: Callable[[], Coroutine[None, None, str]]
) -> Progress:
    """Start work and leave it; gives its progress."""
    progress = Progress(key)

    async def call() -> None:
        async with flights.join(key, progress, work) as flight:
            await flight.result()

    caller = asyncio.create_task(call())
    await settled()
    caller.cancel()
    await asyncio.wait([caller])
    return progress


async def test_a_caller_who_comes_back_finds_the_same_run() -> None:
    flights, work = SingleFlight[str](LONG, 1), Work()
    progress = await leave(flights, "key", work.saying("done"))
    assert progress.is_abandoned
    again = asyncio.create_task(run(flights, "key", work.saying("anew")))
    await settled()
    assert not progress.is_abandoned
    work.gate.set()
    assert await again == "done"
    assert work.begun == 1


async def test_a_result_waits_for_a_caller_and_a_failure_does_not() -> None:
    flights, work = SingleFlight[str](LONG, 2), Work()
    await leave(flights, "good", work.saying("done"))
    await leave(flights, "bad", work.saying("fail"))
    work.gate.set()
    await settled()
    assert await run(flights, "good", work.saying("anew")) == "done"
    assert await run(flights, "bad", work.saying("anew")) == "anew"
    with pytest.raises(ModelFailedError):
        await run(flights, "bad", work.saying("fail"))


async def test_it_stops_when_its_time_is_up() -> None:
    flights, work = SingleFlight[str](0.02, 1), Work()
    await leave(flights, "key", work.saying("done"))
    await leave(flights, "key", work.saying("done"))
    assert (work.begun, work.stopped) == (1, 0)
    await asyncio.wait_for(work.has_stopped.wait(), 10)
    work.gate.set()
    assert await run(flights, "key", work.saying("anew")) == "anew"


async def test_time_without_callers_is_all_that_counts() -> None:
    flights, work = SingleFlight[str](0.02, 1), Work()
    await leave(flights, "key", work.saying("done"))
    again = asyncio.create_task(run(flights, "key", work.saying("anew")))
    await asyncio.sleep(0.05)
    work.gate.set()
    assert await again == "done"


async def test_the_one_abandoned_first_stops_when_there_are_too_many() -> None:
    flights, work = SingleFlight[str](LONG, 2), Work()
    for key in "abc":
        await leave(flights, key, work.saying(key))
    await settled()
    assert (work.begun, work.stopped) == (3, 1)
    work.gate.set()
    said = [await run(flights, key, work.saying("anew")) for key in "abc"]
    assert said == ["anew", "b", "c"]


async def test_it_gives_way_one_at_a_time_until_there_is_none() -> None:
    flights, work = SingleFlight[str](LONG, 2), Work()
    for key in "ab":
        await leave(flights, key, work.saying(key))
    freed = []
    while await flights.cancel_oldest():
        freed.append(work.stopped)
    assert freed == [1, 2]


async def test_closing_stops_it_and_lets_none_be_abandoned() -> None:
    flights, work = SingleFlight[str](LONG, 2), Work()
    await leave(flights, "a", work.saying("done"))
    flights.close()
    await flights.wait_closed()
    assert work.stopped == 1
    await leave(flights, "b", work.saying("done"))
    assert work.stopped == 2


def test_a_part_is_abandoned_with_the_whole() -> None:
    whole = Progress("whole")
    whole.is_abandoned = True
    part = PartOfProgress(whole, 0, 2)
    assert part.is_abandoned
    part.is_abandoned = False
    assert not whole.is_abandoned
