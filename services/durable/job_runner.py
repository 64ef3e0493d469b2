"""Runs the jobs queued in the store, a few concurrently; every finished chunk is a checkpoint."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from exceptions import TranscriptionServerError, UnexpectedError
from models import Chunk, ChunkResult, Transcript
from services.chunk_runner import Checkpoints
from services.durable.file_service import FileService
from utils.store.interface import JobStore
from utils.store.records import Job, JobEvent
from utils.temp_manager import TempManager
from utils.transcript import codec
from utils.waiting.changes import Changes
from utils.waiting.concurrency import finish_in_thread
from utils.waiting.progress import Progress

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

MAX_STARTS = 30  # a job that keeps crashing the server fails after this many
MAX_ATTEMPTS = 3  # per run, for errors that a retry can help


class Work(Protocol):
    """What the synchronous endpoint does, for a job."""

    def accept_line(self, endpoint: str, fields: Sequence[tuple[str, str]]) -> str:
        """The fields of a line, validated, as a job stores them. Raises InvalidRequestError or
        StageUnavailableError for what cannot be honoured."""

    def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[JobEvent | ChunkResult | Transcript]:
        """Yields events as they happen, the same with or without checkpoints, and the transcript last."""

    def render(self, job: Job, transcript: Transcript) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type, in the requested format."""


@dataclass(slots=True)
class Running:
    """A job in progress: its start, and the first sample of this run; those before had a checkpoint."""

    task: asyncio.Task[None]
    progress: Progress
    since: float
    first_sample: int


class JobRunner:
    """`changes` signals changes of a job, by its id; `batches_due` is set whenever a job ends, since that may
    complete its batch."""

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
    ) -> None:
        self._store = store
        self._spool = spool
        self._files = files
        self._temp = temp
        self._work = work
        self._concurrency = concurrency
        self._retention_seconds = retention_seconds
        self._clock = clock
        self._is_closed = False
        self._wake = asyncio.Event()
        self._running: dict[str, Running] = {}
        self.changes = Changes()
        self.batches_due = asyncio.Event()

    async def run(self) -> None:
        """Run jobs until cancelled; each then stays at its last checkpoint."""
        await self._store.requeue()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._run_worker())

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
        """Cancel those of the jobs that run, and wait until they have stopped."""
        tasks = [running.task for job_id in job_ids if (running := self._running.get(job_id))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_worker(self) -> None:
        while not self._is_closed:
            self._wake.clear()  # before `claim`, so that a job queued meanwhile is noticed
            job = await self._store.claim(self._clock())
            if job is None:
                await self._wake.wait()
                continue
            self._wake.set()  # for the other workers: there may be more jobs
            progress = Progress(job.id)
            task = asyncio.create_task(self._finish(job, progress))
            self._running[job.id] = Running(task, progress, time.monotonic(), job.samples_done)
            try:
                await asyncio.wait([task])  # not `await task`: a cancelled job must not cancel its worker
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._running[job.id]
            if not task.cancelled() and (error := task.exception()):
                raise error  # its outcome could not be stored
            self.changes.notify(job.id)
            self.batches_due.set()

    async def _finish(self, job: Job, progress: Progress) -> None:
        """Run a job and store its outcome, success or failure. If cancelled, it stays in progress."""
        error: TranscriptionServerError = UnexpectedError()
        try:
            transcript = await self._transcribe(job, progress)
        except TranscriptionServerError as known:
            error = known
        except Exception:
            logger.exception("%s failed", job.id)
        else:
            await self._store_outcome(job, partial(self._store.complete, job.id, transcript))
            return
        logger.warning("%s: %s", job.id, error.message)
        if job.batch_id is None:
            number = 1 + await self._store.count_events(job.id)
            await self._append(job, number, JobEvent(json.dumps({"error": error.body})))
        await self._store_outcome(job, partial(self._store.fail, job.id, error_record(error)))

    async def _store_outcome(self, job: Job, store: Callable[[float, float], Awaitable[None]]) -> None:
        now = self._clock()
        await store(now, now + self._retention_seconds)
        if job.batch_id is None:
            await finish_in_thread(partial((self._spool / job.id).unlink, missing_ok=True))

    async def _transcribe(self, job: Job, progress: Progress) -> Transcript:
        """Run a job, again if the error says that a retry can help."""
        if job.starts > MAX_STARTS:
            raise TranscriptionServerError(f"The server stopped {MAX_STARTS} times while it ran this job.")
        attempts = 0
        while True:
            attempts += 1
            try:
                return await self._attempt(job, progress)
            except TranscriptionServerError as error:
                if attempts == MAX_ATTEMPTS or error.retry_after is None:
                    raise
                wait = error.retry_after
            await asyncio.sleep(wait)

    async def _attempt(self, job: Job, progress: Progress) -> Transcript:
        """Run a job from its last checkpoint. Events that are stored are not stored again."""
        upload = self._spool / job.id
        if job.file_id is not None:
            await self._files.find(job.owner, job.file_id)
            upload = self._files.path(job.file_id)
        stored = await self._store.count_events(job.id)
        finished, number = set[int](), 0

        async def checkpoints(chunk: Chunk) -> ChunkResult | None:
            result = await self._load_checkpoint(job, chunk)
            if result:
                finished.add(chunk.index)
            return result

        async with (
            self._temp.workspace() as workspace,
            aclosing(self._work.stream(job, upload, workspace, progress, checkpoints)) as events,
        ):
            async for event in events:
                if isinstance(event, Transcript):
                    return event
                if isinstance(event, JobEvent):
                    number += 1
                    if number > stored:  # a retry repeats the same events in the same order
                        await self._append(job, number, event)
                elif event.chunk.index not in finished:
                    await self._save_checkpoint(job, event, progress)
        raise RuntimeError("the work ended without a transcript")

    async def _save_checkpoint(self, job: Job, result: ChunkResult, progress: Progress) -> None:
        data = await asyncio.to_thread(codec.encode, result)
        samples = (result.chunk.stop, progress.total)
        await self._store.checkpoint(job.id, result.chunk.index, data, samples)

    async def _load_checkpoint(self, job: Job, chunk: Chunk) -> ChunkResult | None:
        """The stored result of the chunk; None if it was cut differently or written by another version."""
        data = await self._store.finished_chunk(job.id, chunk.index)
        if data is None:
            return None
        with suppress(ValueError):
            result = await asyncio.to_thread(codec.decode, ChunkResult, data)
            if result.chunk == chunk:
                return result
        return None

    async def _append(self, job: Job, number: int, event: JobEvent) -> None:
        await self._store.append_event(job.id, number, event)
        self.changes.notify(job.id)


def error_record(error: TranscriptionServerError) -> dict[str, object]:
    """The error of a job as it is stored."""
    return {"status": error.status, "error": error.body}
