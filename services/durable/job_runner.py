"""Jobs at work: a few of those that wait in SQLite run at once, every finished chunk is a checkpoint."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from exceptions import TranscriptionServerError, UnexpectedError
from models import Chunk, ChunkResult, Transcript
from services.durable.file_service import FileService
from services.transcription import Recall
from utils.store import jobs as job_store
from utils.store.database import Database
from utils.store.jobs import Fields, Job, Told
from utils.temp_manager import TempManager
from utils.transcript import codec
from utils.waiting.changes import Changes
from utils.waiting.concurrency import finish_in_thread
from utils.waiting.progress import Progress

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

MAX_STARTS = 30  # a job that takes the server down again and again is given up
TRIES = 3  # of a job whose error says that a retry can help


class Work(Protocol):
    """What the plain endpoint does, for a job."""

    def check(self, endpoint: str, fields: Fields) -> object:
        """Raises InvalidRequestError or StageUnavailableError for what cannot be honoured."""

    def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, recall: Recall
    ) -> AsyncGenerator[Told | ChunkResult | Transcript]:
        """What happens, as it happens, the same whether or not chunks are recalled; the transcript comes
        last."""

    def render(self, job: Job, transcript: Transcript) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type, in the format that was asked for."""


@dataclass(slots=True)
class Running:
    """A job in hand: since when, and from which sample on; the rest was done by an earlier server."""

    task: asyncio.Task[None]
    progress: Progress
    since: float
    first_sample: int


class JobRunner:
    """`changes` tells of a job by its id; `ended` is set whenever one is over."""

    def __init__(
        self,
        database: Database,
        spool: Path,
        files: FileService,
        temp: TempManager,
        work: Work,
        at_once: int,
        kept_seconds: float,
        clock: Clock = time.time,
    ) -> None:
        self._database = database
        self._spool = spool
        self._files = files
        self._temp = temp
        self._work = work
        self._at_once = at_once
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._is_closed = False
        self._news = asyncio.Event()
        self._running: dict[str, Running] = {}
        self.changes = Changes()
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; then every job is at its last checkpoint."""
        await self._database.run(job_store.requeue)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._serve())

    def wake(self) -> None:
        """There are new jobs."""
        self._news.set()

    def close(self) -> None:
        """Begin nothing more; what runs stops after the step in hand, and stays at its checkpoint."""
        self._is_closed = True
        for running in self._running.values():
            running.task.cancel()
        self._news.set()

    def running(self, job_id: str) -> Running | None:
        return self._running.get(job_id)

    async def stop(self, job_ids: Sequence[str]) -> None:
        """Those of the jobs that run do so no longer when this returns."""
        tasks = [running.task for job_id in job_ids if (running := self._running.get(job_id))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self) -> None:
        while not self._is_closed:
            self._news.clear()
            job = await self._database.run(lambda connection: job_store.claim(connection, self._clock()))
            if job is None:
                await self._news.wait()
                continue
            self._news.set()  # for the others: there may be more
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
                raise error  # its end could not be written down
            self.changes.tell(job.id)
            self.ended.set()

    async def _finish(self, job: Job, progress: Progress) -> None:
        """Run a job to its end, which is written down whatever it is. Cancelled, it stays in progress."""
        error: TranscriptionServerError = UnexpectedError()
        try:
            transcript = await self._transcribe(job, progress)
        except TranscriptionServerError as known:
            error = known
        except Exception:
            logger.exception("%s failed", job.id)
        else:
            await self._end(job, partial(job_store.complete, transcript=transcript))
            return
        logger.warning("%s: %s", job.id, error.message)
        if job.batch_id is None:
            number = 1 + await self._database.run(partial(job_store.count_told, job_id=job.id))
            await self._tell(job, number, Told(json.dumps({"error": error.body})))
        record = {"status": error.status, "error": error.body}
        await self._end(job, partial(job_store.fail, error=record))

    async def _end(self, job: Job, write: Callable[..., None]) -> None:
        now = self._clock()
        await self._database.run(
            lambda connection: write(connection, job_id=job.id, now=now, expires=now + self._kept_seconds)
        )
        if job.batch_id is None:
            await finish_in_thread(partial((self._spool / job.id).unlink, missing_ok=True))

    async def _transcribe(self, job: Job, progress: Progress) -> Transcript:
        """Tried again where the error says that it can help."""
        if job.starts > MAX_STARTS:
            raise TranscriptionServerError(f"The server ended {MAX_STARTS} times while it worked on this.")
        tries = 0
        while True:
            tries += 1
            try:
                return await self._try(job, progress)
            except TranscriptionServerError as error:
                if tries == TRIES or error.retry_after is None:
                    raise
                wait = error.retry_after
            await asyncio.sleep(wait)

    async def _try(self, job: Job, progress: Progress) -> Transcript:
        """From the last checkpoint on. What was told before is not told again."""
        upload = self._spool / job.id
        if job.file_id is not None:
            await self._files.find(job.owner, job.file_id)
            upload = self._files.path(job.file_id)
        told = await self._database.run(partial(job_store.count_told, job_id=job.id))
        checkpoints, number = set[int](), 0

        async def recall(chunk: Chunk) -> ChunkResult | None:
            result = await self._checkpointed(job, chunk)
            if result:
                checkpoints.add(chunk.index)
            return result

        async with (
            self._temp.workspace() as workspace,
            aclosing(self._work.stream(job, upload, workspace, progress, recall)) as events,
        ):
            async for event in events:
                if isinstance(event, Transcript):
                    return event
                if isinstance(event, Told):
                    number += 1
                    if number > told:
                        await self._tell(job, number, event)
                elif event.chunk.index not in checkpoints:
                    await self._checkpoint(job, event, progress)
        raise RuntimeError("the work ended without a transcript")

    async def _checkpoint(self, job: Job, result: ChunkResult, progress: Progress) -> None:
        data = await asyncio.to_thread(codec.encode, result)
        samples = (result.chunk.stop, progress.total)
        await self._database.run(
            lambda connection: job_store.checkpoint(connection, job.id, result.chunk.index, data, samples)
        )

    async def _checkpointed(self, job: Job, chunk: Chunk) -> ChunkResult | None:
        """The result of the chunk, unless another was cut there or another version wrote it."""
        data = await self._database.run(partial(job_store.finished_chunk, job_id=job.id, index=chunk.index))
        if data is None:
            return None
        with suppress(ValueError):
            result = await asyncio.to_thread(codec.decode, ChunkResult, data)
            if result.chunk == chunk:
                return result
        return None

    async def _tell(self, job: Job, number: int, event: Told) -> None:
        await self._database.run(lambda connection: job_store.tell(connection, job.id, number, event))
        self.changes.tell(job.id)
