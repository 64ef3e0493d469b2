"""Runs the jobs queued in the store, a few concurrently."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from exceptions import TranscriptionServerError, UnexpectedError
from models import Transcript
from services.durable.file_service import FileService
from services.durable.job_attempt import JobAttempt, StaleCheckpointError, Work
from utils.store.interface import JobStore
from utils.store.records import Job, JobEvent
from utils.temp_manager import TempManager
from utils.waiting.changes import Changes
from utils.waiting.concurrency import finish_in_thread, stopped
from utils.waiting.progress import Progress
from utils.waiting.supervision import is_cancelled, supervised

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
Outcome: TypeAlias = Callable[[float, float], Awaitable[None]]
"""Stores how a job ended; takes the time and when the result expires."""

MAX_STARTS = 30  # a job that keeps crashing the server fails after this many
MAX_FAILURES = 3  # of models, since the last checkpoint: the job may be what makes them fail
RETRY_SECONDS = 30  # after an error of the server itself


@dataclass(slots=True)
class Running:
    """A job in progress: its start, and the first sample of this run; those before had a checkpoint."""

    task: asyncio.Task[None]
    progress: Progress
    since: float
    first_sample: int


class JobRunner:
    """`changes` signals changes of a job, by its id; `batches_due` is set whenever a job ends, since that may
    complete its batch. A job that has to wait, for a model or for disk space, makes room for others."""

    def __init__(
        self,
        store: JobStore,
        spool: Path,
        files: FileService,
        temp: TempManager,
        work: Work,
        concurrency: int,
        retention_seconds: float,
        clock: Clock = time.time,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._store = store
        self._spool = spool
        self._files = files
        self._temp = temp
        self._work = work
        self._concurrency = concurrency
        self._retention_seconds = retention_seconds
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._is_closed = False
        self._wake = asyncio.Event()
        self._running: dict[str, Running] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._failures = Counter[str]()
        self.changes = Changes()
        self.batches_due = asyncio.Event()

    async def run(self) -> None:
        """Run jobs until cancelled; each then stays at its last checkpoint."""
        await self._store.requeue()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(supervised("running jobs", self._run_worker, self._retry_seconds))
        finally:
            await stopped(*self._waiting.values())
            await self._release_all()

    def wake(self) -> None:
        """Signal new jobs to the workers."""
        self._wake.set()

    def close(self) -> None:
        """Start no further jobs; running ones stop after their current step, at their last checkpoint."""
        self._is_closed = True
        for running in self._running.values():
            running.task.cancel()
        self._wake.set()

    def running(self, job_id: str) -> Running | None:
        return self._running.get(job_id)

    async def cancel(self, job_ids: Sequence[str]) -> None:
        """Cancel those of the jobs that run or wait, and return once they have stopped."""
        tasks = [running.task for job_id in job_ids if (running := self._running.get(job_id))]
        tasks += [task for job_id in job_ids if (task := self._waiting.pop(job_id, None))]
        await stopped(*tasks)
        for job_id in job_ids:
            self._failures.pop(job_id, None)

    async def _run_worker(self) -> None:
        while not self._is_closed:
            self._wake.clear()  # before `claim`, so that a job queued meanwhile is noticed
            job = await self._store.claim(self._clock())
            if job is None:
                await self._wake.wait()
                continue
            self._wake.set()  # for the other workers: there may be more jobs
            progress = Progress(job.id, job.owner)
            task = asyncio.create_task(self._finish(job, progress))
            self._running[job.id] = Running(task, progress, time.monotonic(), job.samples_done)
            try:
                await asyncio.wait([task])  # not `await task`: a cancelled job must not cancel its worker
            finally:
                await stopped(task)
                del self._running[job.id]
            self.changes.notify(job.id)
            self.batches_due.set()

    async def _finish(self, job: Job, progress: Progress) -> None:
        """Run a job and store its outcome, unless it has to wait. If cancelled, it stays in progress."""
        try:
            if outcome := await self._outcome(job, progress):
                now = self._clock()
                await outcome(now, now + self._retention_seconds)
                self._failures.pop(job.id, None)
                if job.batch_id is None:
                    await finish_in_thread(partial((self._spool / job.id).unlink, missing_ok=True))
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            logger.warning("%s: what it waited for was cancelled", job.id)
            self._try_later(job.id, self._retry_seconds)
        except Exception:
            logger.exception("%s: its outcome cannot be stored", job.id)
            self._try_later(job.id, self._retry_seconds)

    async def _outcome(self, job: Job, progress: Progress) -> Outcome | None:
        """Run a job. None if it will be tried again later."""
        error: TranscriptionServerError = UnexpectedError()
        try:
            transcript, last_events = await self._attempt(job, progress)
            return partial(self._store.complete, job.id, transcript, last_events)
        except TranscriptionServerError as known:
            error = known
        except Exception:
            logger.exception("%s failed", job.id)
        logger.warning("%s: %s", job.id, error.message)
        if error.retry_after is not None and self._may_retry(job, error):
            self._try_later(job.id, error.retry_after)
            return None
        events = [JobEvent(json.dumps({"error": error.body}))] if job.batch_id is None else []
        return partial(self._store.fail, job.id, error_record(error), events)

    def _may_retry(self, job: Job, error: TranscriptionServerError) -> bool:
        """A failure that the job may have caused is retried a few times. What says "not yet" (a model that is
        loaded again, a full disk) is waited for as long as a result would be kept."""
        if error.status == UnexpectedError.status:
            self._failures[job.id] += 1
            return self._failures[job.id] < MAX_FAILURES
        return self._clock() - (job.started_at or 0) < self._retention_seconds

    async def _attempt(self, job: Job, progress: Progress) -> tuple[Transcript, Sequence[JobEvent]]:
        """Run a job from its last checkpoint, or from the start if that cannot be continued."""
        if job.starts > MAX_STARTS:
            raise TranscriptionServerError(f"The server stopped {MAX_STARTS} times while it ran this job.")
        upload = self._spool / job.id
        if job.file_id is not None:
            upload = await self._files.locate(job.owner, job.file_id)

        def has_stored() -> None:
            self._failures.pop(job.id, None)
            self.changes.notify(job.id)

        while True:
            async with self._temp.workspace() as workspace:
                attempt = JobAttempt(self._store, self._work, job, progress, has_stored)
                try:
                    return await attempt.run(upload, workspace)
                except StaleCheckpointError:
                    logger.warning("%s starts anew: its checkpoints cannot be continued", job.id)
                    await self._store.restart(job.id)

    def _try_later(self, job_id: str, seconds: float) -> None:
        self._waiting[job_id] = asyncio.create_task(self._queue_again(job_id, seconds))

    async def _queue_again(self, job_id: str, seconds: float) -> None:
        """The job waits in memory alone, so that it can wait for a full disk too. Should the server stop
        meanwhile, its next start queues the job."""
        is_queued = False
        while not is_queued:
            await asyncio.sleep(seconds)
            try:
                await self._store.put_back(job_id)
                is_queued = True
            except Exception:
                logger.exception("%s cannot be queued again yet", job_id)
        del self._waiting[job_id]
        self.wake()

    async def _release_all(self) -> None:
        try:
            await self._store.release()
        except Exception:  # must not replace the cancellation that ends `run`
            logger.exception("the jobs in progress could not be queued again")


def error_record(error: TranscriptionServerError) -> dict[str, object]:
    """The error of a job as it is stored."""
    return {"status": error.status, "error": error.body}
