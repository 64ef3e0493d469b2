"""Which transcriptions are in flight, and which are refused."""

from __future__ import annotations

import asyncio

import pytest

from exceptions import OverloadedError, ShuttingDownError
from utils.waiting.admission import Admission


async def test_a_request_over_the_limit_is_refused_and_may_be_sent_again() -> None:
    admission = Admission(2)
    with admission.admit("a"), admission.admit("b"):
        with pytest.raises(OverloadedError) as caught, admission.admit("c"):
            pytest.fail("must not be admitted")
        assert (caught.value.status, caught.value.retry_after) == (429, 5)
        assert [progress.request_id for progress in admission.in_flight] == ["a", "b"]
    with admission.admit("c"):
        assert [progress.request_id for progress in admission.in_flight] == ["c"]


async def test_a_failed_request_is_no_longer_in_flight() -> None:
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.admit("a"):
        raise ZeroDivisionError
    assert admission.in_flight == []


async def test_requests_of_one_name_are_told_apart() -> None:
    admission = Admission(2)
    with admission.admit("same") as first:
        with admission.admit("same"):
            pass
        (remaining,) = admission.in_flight
        assert remaining is first


async def test_requests_still_in_flight_at_shutdown_are_cancelled() -> None:
    admission = Admission(2)

    async def work(seconds: float) -> str:
        with admission.admit("a"):
            await asyncio.sleep(seconds)
            return "done"

    quick, slow = asyncio.create_task(work(0)), asyncio.create_task(work(60))
    await asyncio.sleep(0.01)
    admission.close()
    with pytest.raises(ShuttingDownError):
        await work(0)
    admission.cancel_all()
    assert await quick == "done"
    with pytest.raises(ShuttingDownError):
        await slow
    assert admission.in_flight == []


async def test_a_client_that_disconnected_is_not_taken_for_one_cancelled_by_shutdown() -> None:
    admission = Admission(2)

    async def work() -> None:
        with admission.admit("a"):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
