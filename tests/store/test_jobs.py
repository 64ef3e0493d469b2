"""Jobs in SQLite: transcripts of any length, and nothing for those who come too late."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from models import SpeakerTurn, Transcript
from tests.builders import segment, words
from utils.store import jobs as job_store
from utils.store.database import Database
from utils.store.jobs import Job
from utils.transcript.segment_log import PAGE, SegmentLog

JOB = Job("one", owner="", endpoint="", fields=[])
DAY = Transcript(
    "en",
    num_samples=16_000,
    segments=tuple(segment(words(f"Number {n}.", start=n)) for n in range(2 * PAGE + 7)),
    turns=(SpeakerTurn(0, 16_000, 0),),
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "server.db")
    await database.open()

    def start(connection: sqlite3.Connection) -> None:
        job_store.add(connection, [JOB], now=0)
        job_store.claim(connection, now=0)

    await database.run(start)
    yield database
    database.close()


def complete(connection: sqlite3.Connection, transcript: Transcript) -> None:
    job_store.complete(connection, JOB.id, transcript, now=1, expires=2)


async def test_a_transcript_of_any_length_comes_back_page_by_page(database: Database, tmp_path: Path) -> None:
    await database.run(partial(complete, transcript=DAY))
    job = await database.run(partial(job_store.find, owner="", job_id=JOB.id))
    found = await database.run(partial(job_store.transcript, job=job, folder=tmp_path))
    assert found is not None
    assert isinstance(found.segments, SegmentLog)
    assert replace(found, segments=tuple(found.segments)) == DAY
    assert job.samples_done == job.samples_total == DAY.num_samples


@pytest.mark.parametrize("ending", ["deleted", "failed"])
async def test_what_comes_after_the_end_is_nothing(database: Database, ending: str) -> None:
    def end(connection: sqlite3.Connection) -> int:
        if ending == "deleted":
            job_store.delete(connection, JOB.id)
        else:
            job_store.fail(connection, JOB.id, {}, now=1, expires=2)
        complete(connection, DAY)
        return int(connection.execute("SELECT count(*) FROM lines").fetchone()[0])

    assert await database.run(end) == 0
