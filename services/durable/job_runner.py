"""Runs the jobs that wait in the store, a few at once; every finished chunk is a checkpoint."""

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

MAX_STARTS = 30  # a job that takes the server down again and again is given up
MAX_ATTEMPTS = 3  # at a job whose error says that a retry can help


class Work(Protocol):
    """What the plain endpoint does, for a job."""

    def accept_line(self, endpoint: str, fields: Sequence[tuple[str, str]]) -> str:
        """The fields of a line as a job keeps them. Raises InvalidRequestError or StageUnavailableError for
        what cannot be honoured."""

    def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[JobEvent | ChunkResult | Transcript]:
        """What happens, as it happens, the same whether or not there are checkpoints; the transcript comes
        last."""

    def render(self, job: Job, transcript: Transcript) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type, in the format that was asked for."""


@dataclass(slots=True)
class Running:
    """A job in progress: since when, and from which sample on; the rest was done by an earlier server."""

    task: asyncio.Task[None]
    progress: Progress
    since: float
    first_sample: int


class JobRunner:
    """`changes` notifies of a job by its id; `ended` is set whenever one is over."""

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
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Run jobs until cancelled; then every job is at its last checkpoint."""
        await self._store.requeue()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._serve())

    def wake(self) -> None:
        """There are new jobs."""
        self._wake.set()

    def close(self) -> None:
        """Start nothing more; what runs stops after the step in hand, and stays at its checkpoint."""
        self._is_closed = True
        for running in self._running.values():
            running.task.cancel()
        self._wake.set()

    def running(self, job_id: str) -> Running | None:
        return self._running.get(job_id)

    async def cancel(self, job_ids: Sequence[str]) -> None:
        """Those of the jobs that run have stopped when this returns."""
        tasks = [running.task for job_id in job_ids if (running := self._running.get(job_id))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self) -> None:
        while not self._is_closed:
            self._wake.clear()
            job = await self._store.claim(self._clock())
            if job is None:
                await self._wake.wait()
                continue
            self._wake.set()  # the other workers: there may be more
            progress = Progress(job.id)
            task = asyncio.create_task(self._finish(job, progress))
            self._running[job.id] = Running(task, progress, time.monotonic(), job.samples_done)
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._running[job.id]
            if not task.cancelled() and (error := task.exception()):
                raise error  # its end could not be stored
            self.changes.notify(job.id)
            self.ended.set()

    async def _finish(self, job: Job, progress: Progress) -> None:
        """Run a job to its end, which is stored whatever it is. Cancelled, it stays in progress."""
        error: TranscriptionServerError = UnexpectedError()
        try:
            transcript = await self._transcribe(job, progress)
        except TranscriptionServerError as known:
            error = known
        except Exception:
            logger.exception("%s failed", job.id)
        else:
            await self._end(job, partial(self._store.complete, job.id, transcript))
            return
        logger.warning("%s: %s", job.id, error.message)
        if job.batch_id is None:
            number = 1 + await self._store.count_events(job.id)
            await self._append(job, number, JobEvent(json.dumps({"error": error.body})))
        await self._end(job, partial(self._store.fail, job.id, error_record(error)))

    async def _end(self, job: Job, end: Callable[[float, float], Awaitable[None]]) -> None:
        now = self._clock()
        await end(now, now + self._retention_seconds)
        if job.batch_id is None:
            await finish_in_thread(partial((self._spool / job.id).unlink, missing_ok=True))

    async def _transcribe(self, job: Job, progress: Progress) -> Transcript:
        """Tried again where the error says that it can help."""
        if job.starts > MAX_STARTS:
            raise TranscriptionServerError(f"The server ended {MAX_STARTS} times while it ran this.")
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
        """From the last checkpoint on. Events that are stored are not stored again."""
        upload = self._spool / job.id
        if job.file_id is not None:
            await self._files.find(job.owner, job.file_id)
            upload = self._files.path(job.file_id)
        stored = await self._store.count_events(job.id)
        finished, number = set[int](), 0

        async def checkpoints(chunk: Chunk) -> ChunkResult | None:
            result = await self._finished(job, chunk)
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
                    if number > stored:
                        await self._append(job, number, event)
                elif event.chunk.index not in finished:
                    await self._checkpoint(job, event, progress)
        raise RuntimeError("the work ended without a transcript")

    async def _checkpoint(self, job: Job, result: ChunkResult, progress: Progress) -> None:
        data = await asyncio.to_thread(codec.encode, result)
        samples = (result.chunk.stop, progress.total)
        await self._store.checkpoint(job.id, result.chunk.index, data, samples)

    async def _finished(self, job: Job, chunk: Chunk) -> ChunkResult | None:
        """The result of the chunk, unless another was cut there or another version wrote it."""
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
    """What the store keeps of a job's error."""
    return {"status": error.status, "error": error.body}
