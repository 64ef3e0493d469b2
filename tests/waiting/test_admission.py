"""Which transcriptions are in flight, and which are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from exceptions import OverloadedError, ShuttingDownError, UploadTimeoutError
from utils.waiting.admission import Admission


@asynccontextmanager
async def at_work(admission: Admission, *requests: tuple[str, str]) -> AsyncIterator[None]:
    """Requests, as ids and owners, whose uploads have arrived."""
    with ExitStack() as stack:
        for request_id, owner in requests:
            await admission.begin(stack.enter_context(admission.admit(request_id, owner)))
        yield


def names(admission: Admission) -> list[str]:
    return [progress.request_id for progress in admission.in_flight]


def refused(admission: Admission, owner: str = "") -> bool:
    try:
        with admission.admit("another", owner):
            return False
    except OverloadedError:
        return True


async def test_a_request_over_the_limit_is_refused_and_may_be_sent_again() -> None:
    admission = Admission(2)
    async with at_work(admission, ("a", ""), ("b", "")):
        with pytest.raises(OverloadedError) as caught, admission.admit("c"):
            pytest.fail("must not be admitted")
        assert (caught.value.status, caught.value.retry_after) == (429, 5)
        assert names(admission) == ["a", "b"]
    async with at_work(admission, ("c", "")):
        assert not refused(admission)
        assert names(admission) == ["c"]


async def test_uploads_do_not_hold_the_places_of_those_at_work() -> None:
    admission = Admission(2)
    with ExitStack() as stack:
        for _ in range(7):
            stack.enter_context(admission.admit("arriving"))
        async with at_work(admission, ("a", "")):
            assert len(admission.in_flight) == 8
        stack.enter_context(admission.admit("arriving"))
        assert refused(admission)


async def test_an_upload_that_arrived_waits_for_a_place() -> None:
    admission = Admission(1)
    with admission.admit("second") as second:
        async with at_work(admission, ("first", "")):
            waiting = asyncio.create_task(admission.begin(second))
            await asyncio.sleep(0)
            assert not waiting.done()
            assert refused(admission)
        async with asyncio.timeout(5):
            await waiting


async def test_an_owner_is_admitted_to_an_equal_share_of_places_that_others_hold() -> None:
    admission = Admission(4)
    async with at_work(admission, *[("first", "a")] * 4):
        assert refused(admission, "a")
        async with at_work(admission, *[("second", "b")] * 2):
            assert refused(admission, "a")
            assert refused(admission, "b")
            assert not refused(admission, "c")


async def test_many_owners_are_never_admitted_to_more_than_twice_the_limit() -> None:
    admission = Admission(2)
    async with at_work(admission, *[("many", str(owner)) for owner in range(4)]):
        assert refused(admission, "one more")


async def slow_upload(admission: Admission, num_bytes: int) -> str:
    with admission.admit("slow") as admitted:
        admitted.rate.add(num_bytes)
        await asyncio.sleep(60)
        return "done"


async def test_the_slowest_upload_makes_room_where_every_place_is_taken() -> None:
    now = 0.0
    admission = Admission(1, clock=lambda: now)
    uploads = [asyncio.create_task(slow_upload(admission, n)) for n in (50_000, 20, 10, 30)]
    await asyncio.sleep(0)
    assert refused(admission)
    now = 10.0
    assert not refused(admission)
    await asyncio.wait(uploads, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [upload.done() for upload in uploads] == [False, False, True, False]
    with pytest.raises(UploadTimeoutError):
        await uploads[2]
    admission.cancel_all()
    await asyncio.wait(uploads)


async def test_who_takes_no_place_is_cancelled_at_shutdown_too() -> None:
    admission = Admission(1)

    async def follow() -> None:
        with admission.watch("follows a job"):
            await asyncio.sleep(60)

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    assert admission.in_flight == []
    admission.cancel_all()
    with pytest.raises(ShuttingDownError):
        await task


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
        assert remaining is first.progress


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
