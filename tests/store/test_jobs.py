"""Jobs in the store: transcripts of any length, and nothing for those who come too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from exceptions import InvalidRequestError
from models import SpeakerTurn, Transcript
from tests.builders import segment, words
from utils.store.interface import JobStore
from utils.store.records import Job, JobEvent, StoredChunk
from utils.store.sqlite.store import sqlite_store
from utils.transcript.segment_log import MAX_IN_MEMORY, SegmentLog

JOB = Job("one", owner="", endpoint="", request="")
DAY = Transcript(
    "en",
    num_samples=16_000,
    segments=tuple(segment(words(f"Number {n}.", start=n)) for n in range(MAX_IN_MEMORY + 7)),
    turns=(SpeakerTurn(0, 16_000, 0),),
)


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[JobStore]:
    store = sqlite_store(tmp_path / "server.db")
    await store.connection.open()
    await store.jobs.add(JOB, limit=1, now=0)
    await store.jobs.claim(now=0)
    yield store.jobs
    await store.connection.close()


async def test_a_transcript_of_any_length_comes_back_page_by_page(jobs: JobStore, tmp_path: Path) -> None:
    await jobs.complete(JOB.id, DAY, [], now=1, expires=2)
    job, _, found = await jobs.report("", JOB.id, tmp_path)
    assert found is not None
    assert isinstance(found.segments, SegmentLog)
    assert replace(found, segments=tuple(found.segments)) == DAY
    assert job.samples_done == job.samples_total == DAY.num_samples


@pytest.mark.parametrize("ending", ["failed", "completed"])
async def test_only_the_first_end_counts(jobs: JobStore, ending: str, tmp_path: Path) -> None:
    short = replace(DAY, segments=())
    if ending == "failed":
        await jobs.fail(JOB.id, {}, [], now=1, expires=2)
    else:
        await jobs.complete(JOB.id, short, [], now=1, expires=2)
    await jobs.complete(JOB.id, DAY, [], now=1, expires=2)
    job, _, transcript = await jobs.report("", JOB.id, tmp_path)
    assert job.status == ending
    assert transcript == (short if ending == "completed" else None)


async def test_what_comes_after_it_was_deleted_is_nothing(jobs: JobStore, tmp_path: Path) -> None:
    await jobs.delete("", JOB.id)
    await jobs.finish_chunk(JOB.id, 0, b"{}", (1, 2), [])
    await jobs.complete(JOB.id, DAY, [], now=1, expires=2)
    assert await jobs.stored_chunk(JOB.id, 0) == StoredChunk()
    await jobs.add(JOB, limit=1, now=3)
    job, _, transcript = await jobs.report("", JOB.id, tmp_path)
    assert (job.status, transcript) == ("queued", None)


async def test_a_chunk_its_parts_and_their_events_go_together(jobs: JobStore) -> None:
    await jobs.add_part(JOB.id, 0, b"part 1", [JobEvent("1", "one")])
    await jobs.add_part(JOB.id, 0, b"part 2", [JobEvent("2", " two")])
    assert await jobs.stored_chunk(JOB.id, 0) == StoredChunk(None, (b"part 1", b"part 2"))
    await jobs.finish_chunk(JOB.id, 0, b"whole", (1, 2), [JobEvent("3", " three")])
    assert await jobs.stored_chunk(JOB.id, 0) == StoredChunk(b"whole")
    assert await jobs.events_after(JOB.id, 1) == [(2, "2"), (3, "3")]
    assert (await jobs.find("", JOB.id)).samples_done == 1


@pytest.mark.parametrize("ending", ["failed", "completed"])
async def test_the_end_comes_with_its_events_and_takes_the_checkpoints(
    jobs: JobStore, ending: str, tmp_path: Path
) -> None:
    await jobs.finish_chunk(JOB.id, 0, b"whole", (1, 2), [JobEvent("1", "one")])
    await jobs.add_part(JOB.id, 1, b"part", [])
    last = [JobEvent(str(n), f" {n}") for n in range(2, 1202)]
    if ending == "failed":
        await jobs.fail(JOB.id, {}, last, now=1, expires=2)
    else:
        await jobs.complete(JOB.id, DAY, last, now=1, expires=2)
    assert (await jobs.find("", JOB.id)).status == ending
    assert await jobs.count_events(JOB.id) == 1201
    assert (await jobs.report("", JOB.id, tmp_path))[1].endswith(" 1201")
    for index in (0, 1):
        assert await jobs.stored_chunk(JOB.id, index) == StoredChunk()


async def test_events_of_an_end_that_did_not_come_are_not_shown(jobs: JobStore, tmp_path: Path) -> None:
    """As if the server was killed between the pages of a long end."""
    await jobs.add_part(JOB.id, 0, b"part", [JobEvent("1", "one")])
    await jobs.fail("another", {}, [JobEvent("2", "")], now=1, expires=2)
    assert await jobs.events_after(JOB.id, 0) == [(1, "1")]
    await jobs.complete(JOB.id, DAY, [JobEvent("2", " two")], now=1, expires=2)
    await jobs.fail(JOB.id, {}, [JobEvent("3", "")], now=1, expires=2)
    assert await jobs.events_after(JOB.id, 0) == [(1, "1"), (2, "2")]


async def test_events_that_were_discarded_cannot_be_continued(jobs: JobStore, tmp_path: Path) -> None:
    await jobs.finish_chunk(JOB.id, 0, b"of another version", (1, 2), [JobEvent("1", "old")] * 3)
    await jobs.restart(JOB.id)
    assert await jobs.stored_chunk(JOB.id, 0) == StoredChunk()
    await jobs.finish_chunk(JOB.id, 0, b"new", (1, 2), [JobEvent("1", "new")])
    assert await jobs.events_after(JOB.id, 0) == [(4, "1")]
    assert (await jobs.report("", JOB.id, tmp_path))[1] == "new"
    assert await jobs.count_events(JOB.id) == 1
    with pytest.raises(InvalidRequestError, match="anew"):
        await jobs.events_after(JOB.id, 2)


async def test_only_a_crash_counts_as_a_start(jobs: JobStore) -> None:
    async def starts_after_claim() -> int:
        job = await jobs.claim(now=0)
        assert job
        return job.starts

    await jobs.requeue()
    assert await starts_after_claim() == 2
    await jobs.put_back(JOB.id)
    assert await starts_after_claim() == 2
    await jobs.finish_chunk(JOB.id, 0, b"{}", (1, 2), [])
    await jobs.requeue()
    assert await starts_after_claim() == 3, "a chunk that is done makes no crash undone"
    await jobs.release()
    assert await starts_after_claim() == 3


async def test_others_have_their_turns_while_a_long_transcript_is_written_and_read(
    jobs: JobStore, tmp_path: Path
) -> None:
    async def answered_during(work: asyncio.Task[object]) -> int:
        answered = 0
        while not work.done():
            await jobs.count_events(JOB.id)
            answered += 1
        return answered

    writing: asyncio.Task[object] = asyncio.create_task(jobs.complete(JOB.id, DAY, [], now=1, expires=2))
    assert await answered_during(writing) > 2
    reading: asyncio.Task[object] = asyncio.create_task(jobs.report("", JOB.id, tmp_path))
    assert await answered_during(reading) > 2
    deleting: asyncio.Task[object] = asyncio.create_task(jobs.delete("", JOB.id))
    assert await answered_during(deleting) > 1
