"""Background transcriptions, as their owners see them."""

from __future__ import annotations

import time
import uuid
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from models import Transcript
from services.durable.job_runner import JobRunner, Running
from utils.disk import move
from utils.store import jobs as job_store
from utils.store.database import Database
from utils.store.jobs import Fields, Job
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job, what it has said so far, how it runs if it does, and what it made if it is completed."""

    job: Job
    text: str = ""
    running: Running | None = None
    transcript: Transcript | None = None


class JobService:
    def __init__(
        self, database: Database, spool: Path, runner: JobRunner, most: int, clock: Clock = time.time
    ) -> None:
        """At most `most` jobs may wait or run."""
        self._database = database
        self._spool = spool
        self._runner = runner
        self._most = most
        self._clock = clock

    async def open(self) -> None:
        """Remove uploads that nobody needs."""
        needed = await self._database.run(job_store.unfinished)
        await to_thread(self._keep_only, needed)

    async def create(self, owner: str, endpoint: str, fields: Fields, upload: Path) -> Job:
        """Take the upload over. Raises OverloadedError, InsufficientStorageError."""
        job = Job(f"transcription_{uuid.uuid4().hex}", owner, endpoint, fields, created_at=int(self._clock()))
        await self._database.run(lambda connection: job_store.check_room(connection, self._most))
        await finish_in_thread(partial(move, upload, self._spool / job.id))

        def add(connection: Connection) -> None:
            job_store.check_room(connection, self._most)
            job_store.add(connection, [job], self._clock())

        try:
            await self._database.run(add)
        except Exception:
            await finish_in_thread((self._spool / job.id).unlink)
            raise
        self._runner.wake()
        return job

    async def find(self, owner: str, job_id: str) -> Job:
        """Raises NotFoundError, also for the jobs of others."""
        return await self._database.run(lambda connection: job_store.find(connection, owner, job_id))

    async def report(self, owner: str, job_id: str, folder: Path) -> JobReport:
        """A long transcript lies in `folder`. Raises NotFoundError."""

        def read(connection: Connection) -> tuple[Job, str, Transcript | None]:
            job = job_store.find(connection, owner, job_id)
            text = job_store.text_so_far(connection, job_id)
            return job, text, job_store.transcript(connection, job, folder)

        job, text, transcript = await self._database.run(read)
        return JobReport(job, text, self._runner.running(job_id), transcript)

    async def delete(self, owner: str, job_id: str) -> None:
        """Stop it and forget it: recording, text and all. Raises NotFoundError."""

        def delete(connection: Connection) -> None:
            job_store.find(connection, owner, job_id)
            job_store.delete(connection, job_id)

        await self._database.forget(delete)
        await self._runner.stop([job_id])
        await finish_in_thread(partial((self._spool / job_id).unlink, missing_ok=True))
        self._runner.changes.tell(job_id)

    async def events(self, owner: str, job_id: str, after: int) -> AsyncGenerator[tuple[int, str]]:
        """What was told of it after the event `after`, then what is told, until it is over. Raises
        NotFoundError, also when it is deleted meanwhile."""
        while True:
            change = self._runner.changes.next(job_id)
            job = await self.find(owner, job_id)
            events = await self._database.run(partial(job_store.told, job_id=job_id, after=after))
            for event in events:
                yield event
                after = event[0]
            if not events and job.status in ("completed", "failed"):
                return
            if not events:
                await change.wait()

    async def sweep(self) -> None:
        """Forget the results that have expired."""
        await self._database.forget(lambda connection: job_store.delete_expired(connection, self._clock()))

    def _keep_only(self, needed: frozenset[str]) -> None:
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._spool.iterdir():
            if path.name not in needed:
                path.unlink()
