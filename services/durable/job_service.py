"""Background transcriptions and their owners' operations on them."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models import Transcript
from services.durable.job_runner import JobRunner, Running
from utils.disk import keep_only, move
from utils.store.interface import JobStore
from utils.store.records import Job, new_job_id
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job, its text so far, its progress while it runs, and its transcript once it is completed."""

    job: Job
    text: str = ""
    running: Running | None = None
    transcript: Transcript | None = None


class JobService:
    def __init__(
        self, store: JobStore, spool: Path, runner: JobRunner, max_jobs: int, clock: Clock = time.time
    ) -> None:
        """At most `max_jobs` jobs may be queued or running."""
        self._store = store
        self._spool = spool
        self._runner = runner
        self._max_jobs = max_jobs
        self._clock = clock

    async def open(self) -> None:
        """Remove uploads that no unfinished job needs. Raises OSError."""
        await to_thread(keep_only, self._spool, await self._store.unfinished())

    async def create(
        self, owner: str, endpoint: str, request: str, upload: Path, job_id: str | None = None
    ) -> Job:
        """Queue an accepted request; moves the upload. `job_id` is one that the caller was told before.
        Raises OverloadedError, InsufficientStorageError."""
        now = self._clock()
        job = Job(job_id or new_job_id(), owner, endpoint, request, created_at=int(now))
        await self._store.check_room(self._max_jobs)
        await finish_in_thread(partial(move, upload, self._spool / job.id))
        try:
            await self._store.add(job, self._max_jobs, now)
        except Exception:
            await finish_in_thread(partial((self._spool / job.id).unlink, missing_ok=True))
            raise
        self._runner.wake()
        return job

    async def find(self, owner: str, job_id: str) -> Job:
        """Raises NotFoundError, also for jobs of other owners."""
        return await self._store.find(owner, job_id)

    async def report(self, owner: str, job_id: str, folder: Path) -> JobReport:
        """A long transcript is on disk in `folder`. Raises NotFoundError."""
        job, text, transcript = await self._store.report(owner, job_id, folder)
        return JobReport(job, text, self._runner.running(job_id), transcript)

    async def delete(self, owner: str, job_id: str) -> None:
        """Cancel a job and delete all of it, recording and text. Raises NotFoundError."""
        await self._store.delete(owner, job_id)
        await self._runner.cancel([job_id])
        await finish_in_thread(partial((self._spool / job_id).unlink, missing_ok=True))
        self._runner.changes.notify(job_id)

    async def check_events(self, owner: str, job_id: str, after: int) -> None:
        """Raises NotFoundError, or InvalidRequestError if the events up to `after` cannot be continued."""
        await self.find(owner, job_id)
        await self._store.events_after(job_id, after)

    async def events(self, owner: str, job_id: str, after: int) -> AsyncGenerator[tuple[int, str]]:
        """Yields its events after number `after`, stored ones and new ones, until it ends. Raises
        as `check_events` does, also if it is deleted or started anew meanwhile."""
        with self._runner.changes.watch(job_id) as change:
            while True:
                change.clear()  # before reading, so that no change is missed
                job = await self.find(owner, job_id)
                events = await self._store.events_after(job_id, after)
                for event in events:
                    yield event
                    after = event[0]
                if not events and job.status in ("completed", "failed"):
                    return
                if not events:
                    await change.wait()

    async def sweep(self) -> None:
        """Delete expired results."""
        await self._store.delete_expired(self._clock())
