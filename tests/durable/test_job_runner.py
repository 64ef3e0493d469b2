"""The runner of jobs alone: whatever one job meets, it is run to its end and stops none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exceptions import InsufficientStorageError
from models import Transcript
from services.chunk_runner import Checkpoints
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner
from tests.builders import segment, transcript, words
from tests.durable.scripted_work import ScriptedWork
from utils.store.records import FileLimits, Job, JobEvent
from utils.store.sqlite.database import Database
from utils.store.sqlite.files import SqliteFiles
from utils.store.sqlite.jobs import SqliteJobs
from utils.temp_manager import TempManager
from utils.waiting.progress import Progress

SAID = transcript([segment(words("So it is."))])


class FaultyJobs(SqliteJobs):
    """A store that finds no room, once, for the outcome or for the next claim."""

    def __init__(self, database: Database, fault: str) -> None:
        super().__init__(database)
        self._fault = fault

    async def claim(self, now: float) -> Job | None:
        self._meet("claim")
        return await super().claim(now)

    async def complete(
        self, job_id: str, transcript: Transcript, events: Sequence[JobEvent], now: float, expires: float
    ) -> None:
        self._meet("complete")
        await super().complete(job_id, transcript, events, now, expires)

    def _meet(self, step: str) -> None:
        if self._fault == step:
            self._fault = ""
            raise InsufficientStorageError("The disk is full.")


class DroppedOnce(ScriptedWork):
    """Its first call for a model is dropped, as when the model is removed."""

    has_dropped = False

    async def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[Transcript]:
        if not self.has_dropped:
            self.has_dropped = True
            dropped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            dropped.cancel()
            await dropped
        yield SAID


@asynccontextmanager
async def running(folder: Path, fault: str) -> AsyncIterator[SqliteJobs]:
    database = Database(folder / "server.db")
    jobs = FaultyJobs(database, fault)
    files = FileService(SqliteFiles(database), folder / "files", FileLimits(1, 1))
    temp, work = TempManager(folder), DroppedOnce(SAID) if fault == "call" else ScriptedWork(SAID)
    runner = JobRunner(jobs, folder / "jobs", files, temp, work, 1, 3600, retry_seconds=0.01)
    await database.open()
    for name in ("first", "second"):
        await jobs.add(Job(name, owner="", endpoint="", request=""), limit=2, now=0)
    task = asyncio.create_task(runner.run())
    try:
        yield jobs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()
        temp.close()


@pytest.mark.parametrize("fault", ["claim", "complete", "call"])
async def test_a_fault_delays_a_job_and_ends_none(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path, fault) as jobs, asyncio.timeout(30):
        for name in ("first", "second"):
            job = await jobs.find("", name)
            while job.status != "completed":
                job = await jobs.find("", name)
            assert job.starts == 1
