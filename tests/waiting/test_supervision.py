"""A chore goes on after whatever it raises, until it is cancelled itself."""

from __future__ import annotations

import asyncio

import pytest

from exceptions import InsufficientStorageError
from utils.waiting.changes import Changes
from utils.waiting.supervision import supervised


@pytest.mark.parametrize("error", [RuntimeError("a bug"), InsufficientStorageError("full"), None])
async def test_work_runs_again_whether_it_fails_or_ends(error: Exception | None) -> None:
    runs, third = 0, asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            third.set()
        if error:
            raise error

    task = asyncio.create_task(supervised("a chore", work, 0))
    await asyncio.wait_for(third.wait(), 10)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_future_that_it_waits_for_does_not_end_it() -> None:
    """As when the call that it queued for a model is dropped because the model is removed."""
    runs, second = 0, asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            second.set()
        dropped = asyncio.get_running_loop().create_future()
        dropped.cancel()
        await dropped

    task = asyncio.create_task(supervised("a chore", work, 0))
    await asyncio.wait_for(second.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_chore_ends_in_the_middle_of_its_work() -> None:
    has_started = asyncio.Event()

    async def work() -> None:
        has_started.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(supervised("a chore", work, 0))
    await has_started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


async def test_watchers_see_every_change_and_leave_nothing_behind() -> None:
    changes = Changes()
    with changes.watch("a") as first, changes.watch("a") as second, changes.watch("b") as other:
        changes.notify("a")
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
        first.clear()
        changes.notify("a")
        assert first.is_set()
        assert len(changes) == 2
    changes.notify("a")
    assert len(changes) == 0
