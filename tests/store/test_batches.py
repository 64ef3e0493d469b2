"""Batches in the store: thousands of lines, queued and cancelled in pages and seen as one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from utils.store.interface import Store
from utils.store.records import Batch, BatchError, Job, JobEvent, StoredChunk
from utils.store.sqlite.job_rows import STEP
from utils.store.sqlite.store import sqlite_store

BATCH = Batch(
    id="batch", endpoint="", input_file_id="", completion_window="24h", created_at=0, expires_at=2**31
)
LINES = [Job(f"line {n}", "", "", "", batch_id=BATCH.id, file_id="file") for n in range(2 * STEP + 1)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = sqlite_store(tmp_path / "server.db")
    await store.connection.open()
    await store.batches.add("", BATCH, None)
    yield store
    await store.connection.close()


async def ids(store: Store) -> list[str]:
    found, after = list[str](), 0
    while page := await store.batches.lines(BATCH.id, after):
        found += [job.id for _, job in page]
        after = page[-1][0]
    return found


async def test_lines_that_were_queued_before_a_crash_are_not_queued_again(store: Store) -> None:
    class Killed(list[Job]):
        """Lines of which only the first page can be read."""

        def __getitem__(self, index: object) -> list[Job]:  # type: ignore[override]
            assert isinstance(index, slice)
            if index.start:
                raise RuntimeError
            return LINES[index]

    with pytest.raises(RuntimeError):
        await store.batches.start("", BATCH.id, Killed(LINES), 0)
    assert (await store.batches.find("", BATCH.id)).status == "validating"
    assert await store.jobs.claim(now=0), "what is queued may run"
    await store.batches.start("", BATCH.id, LINES, 0)
    assert (await store.batches.find("", BATCH.id)).status == "in_progress"
    assert await ids(store) == [line.id for line in LINES]


async def test_a_cancelled_line_takes_nothing_more(store: Store) -> None:
    await store.batches.start("", BATCH.id, LINES, 0)
    running = await store.jobs.claim(now=0)
    assert running
    batch, dropped = await store.batches.close("", BATCH.id, 0)
    assert batch.status == "finalizing"
    assert sorted(dropped) == sorted(line.id for line in LINES)
    await store.jobs.finish_chunk(running.id, 0, b"{}", (1, 2), [JobEvent("1", "late")])
    await store.jobs.add_part(running.id, 1, b"{}", [JobEvent("2", "later")])
    for index in (0, 1):
        assert await store.jobs.stored_chunk(running.id, index) == StoredChunk()
    assert await store.jobs.count_events(running.id) == 0
    assert await store.jobs.claim(now=0) is None


@pytest.mark.parametrize("ending", ["completed", "failed"])
async def test_an_ended_batch_keeps_no_lines(store: Store, ending: str) -> None:
    await store.batches.start("", BATCH.id, LINES, 0)
    if ending == "failed":
        await store.batches.fail("", BATCH.id, BatchError(code="server_error", message="a bug"), 0)
    else:
        await store.batches.finish(BATCH.then(status=ending), [])
    await store.batches.clear()
    assert await ids(store) == []
    assert (await store.batches.find("", BATCH.id)).status == ending
    assert await store.batches.due(now=1e9) == []
