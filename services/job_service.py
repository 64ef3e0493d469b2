"""Durable work: jobs wait in SQLite, a few run at once, every finished chunk is a checkpoint."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from exceptions import TranscriptionServerError
from models import Transcript
from services.file_service import FileService
from utils import codec, job_store
from utils.concurrency import finish_in_thread
from utils.database import Database
from utils.job_store import Fields, Job
from utils.progress import Progress
from utils.temp_manager import TempManager

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

MAX_STARTS = 30  # a job that takes the server down again and again is given up
TRIES = 3  # of a job whose error says that a retry can help


class Work(Protocol):
    """What the plain endpoint does, for a job."""

    def check(self, fields: Fields) -> object:
        """Raises InvalidRequestError or StageUnavailableError for what cannot be honoured."""

    async def transcribe(self, job: Job, upload: Path, workspace: Path, progress: Progress) -> Transcript: ...

    def render(self, job: Job, transcript: Transcript) -> tuple[bytes, str]:
        """The body and its media type, in the format that was asked for."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How many jobs run at once, how many single ones may wait, and how long a result is kept."""

    at_once: int
    most: int
    kept_seconds: float


class JobService:
    """`ended` is set whenever a job is over."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        files: FileService,
        temp: TempManager,
        work: Work,
        limits: JobLimits,
        clock: Clock = time.time,
    ) -> None:
        self._database = database
        self._folder = folder
        self._files = files
        self._temp = temp
        self._work = work
        self._limits = limits
        self._clock = clock
        self._news = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self.ended = asyncio.Event()

    async def open(self) -> None:
        """Remove uploads that nobody needs."""
        needed = await self._database.run(job_store.unfinished)
        await asyncio.to_thread(self._keep_only, needed)

    async def requeue(self) -> None:
        """What an earlier server had in hand waits again."""
        await self._database.run(job_store.requeue)

    async def run(self) -> None:
        """Work until cancelled; then every job is at its last checkpoint."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._limits.at_once):
                group.create_task(self._serve())

    def wake(self) -> None:
        """There are new jobs."""
        self._news.set()

    async def sweep(self) -> None:
        """Forget the results that have expired."""
        await self._database.forget(lambda connection: job_store.delete_expired(connection, self._clock()))

    async def stop(self, job_ids: Sequence[str]) -> None:
        """Those of the jobs that run do so no longer when this returns."""
        tasks = [task for job_id in job_ids if (task := self._running.get(job_id))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            self._news.clear()
            job = await self._database.run(lambda connection: job_store.claim(connection, self._clock()))
            if job is None:
                await self._news.wait()
                continue
            self._news.set()  # for the others: there may be more
            task = self._running[job.id] = asyncio.create_task(self._finish(job))
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._running[job.id]
            self.ended.set()

    async def _finish(self, job: Job) -> None:
        """Run a job to its end, which is written down whatever it is. Cancelled, it stays in progress."""
        error = TranscriptionServerError("The server failed; its log has the reason.")
        try:
            transcript = await self._transcribe(job)
        except TranscriptionServerError as known:
            error = known
        except Exception:
            logger.exception("%s failed", job.id)
        else:
            result = await asyncio.to_thread(codec.encode, transcript)
            await self._end(job, partial(job_store.complete, transcript=result))
            return
        logger.warning("%s: %s", job.id, error.message)
        await self._end(job, partial(job_store.fail, error=to_record(error)))

    async def _end(self, job: Job, write: Callable[..., None]) -> None:
        now = self._clock()
        await self._database.run(
            lambda connection: write(
                connection, job_id=job.id, now=now, expires=now + self._limits.kept_seconds
            )
        )
        if job.batch_id is None:
            await finish_in_thread(partial(self._spooled(job.id).unlink, missing_ok=True))

    async def _transcribe(self, job: Job) -> Transcript:
        """Tried again where the error says that it can help."""
        if job.starts > MAX_STARTS:
            raise TranscriptionServerError(f"The server ended {MAX_STARTS} times while it worked on this.")
        tries = 0
        while True:
            tries += 1
            try:
                return await self._try(job)
            except TranscriptionServerError as error:
                if tries == TRIES or error.retry_after is None:
                    raise
                wait = error.retry_after
            await asyncio.sleep(wait)

    async def _try(self, job: Job) -> Transcript:
        path = self._spooled(job.id)
        if job.file_id is not None:
            await self._files.find(job.owner, job.file_id)
            path = self._files.path(job.file_id)
        async with self._temp.workspace() as workspace:
            upload = workspace / "upload"
            upload.symlink_to(path)  # the pipeline takes its upload away when it has done with it
            return await self._work.transcribe(job, upload, workspace, Progress(job.id))

    def _spooled(self, job_id: str) -> Path:
        return self._folder / job_id

    def _keep_only(self, needed: frozenset[str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in needed:
                path.unlink()


def to_record(error: TranscriptionServerError) -> dict[str, Any]:
    """An error as a job keeps it: the status, and the body of the envelope."""
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return {"status": error.status, "error": body}
