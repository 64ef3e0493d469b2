"""Jobs in the store: transcripts of any length, and nothing for those who come too late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from models import SpeakerTurn, Transcript
from tests.builders import segment, words
from utils.store.interface import JobStore
from utils.store.records import Job
from utils.store.sqlite.store import sqlite_store
from utils.transcript.segment_log import PAGE, SegmentLog

JOB = Job("one", owner="", endpoint="", request="")
DAY = Transcript(
    "en",
    num_samples=16_000,
    segments=tuple(segment(words(f"Number {n}.", start=n)) for n in range(2 * PAGE + 7)),
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
    await jobs.complete(JOB.id, DAY, now=1, expires=2)
    job, _, found = await jobs.report("", JOB.id, tmp_path)
    assert found is not None
    assert isinstance(found.segments, SegmentLog)
    assert replace(found, segments=tuple(found.segments)) == DAY
    assert job.samples_done == job.samples_total == DAY.num_samples


@pytest.mark.parametrize("ending", ["failed", "completed"])
async def test_only_the_first_end_counts(jobs: JobStore, ending: str, tmp_path: Path) -> None:
    short = replace(DAY, segments=())
    if ending == "failed":
        await jobs.fail(JOB.id, {}, now=1, expires=2)
    else:
        await jobs.complete(JOB.id, short, now=1, expires=2)
    await jobs.complete(JOB.id, DAY, now=1, expires=2)
    job, _, transcript = await jobs.report("", JOB.id, tmp_path)
    assert job.status == ending
    assert transcript == (short if ending == "completed" else None)


async def test_what_comes_after_it_was_deleted_is_nothing(jobs: JobStore, tmp_path: Path) -> None:
    await jobs.delete("", JOB.id)
    await jobs.checkpoint(JOB.id, 0, b"{}", (1, 2))
    await jobs.complete(JOB.id, DAY, now=1, expires=2)
    assert await jobs.finished_chunk(JOB.id, 0) is None
    await jobs.add(JOB, limit=1, now=3)
    job, _, transcript = await jobs.report("", JOB.id, tmp_path)
    assert (job.status, transcript) == ("queued", None)
