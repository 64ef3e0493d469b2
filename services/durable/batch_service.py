"""Batches from input to outputs. Every step starts from the stored state, so that a server that crashes at
any point resumes there at its next start."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from exceptions import InvalidRequestError, TranscriptionServerError, UnexpectedError
from services.durable.batch_input import BatchInput
from services.durable.batch_outputs import BatchOutputs
from services.durable.file_service import FileService
from services.durable.job_attempt import Work
from services.durable.job_runner import JobRunner
from utils.disk import disk_full_translated
from utils.store.interface import BatchStore
from utils.store.records import Batch, BatchError, StoredFile
from utils.temp_manager import TempManager
from utils.waiting.concurrency import finish_in_thread

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

MAX_INPUT_BYTES = 64 * 1024 * 1024  # held in memory while it is validated
TICK_SECONDS = 10.0  # the longest delay before an expiry is noticed
RETRY_SECONDS = 30.0
MAX_FAILURES = 3  # unexpected ones, before a batch fails
RETENTION_SECONDS = 30 * 24 * 3600  # of batches that have ended


class BatchService:
    def __init__(
        self,
        store: BatchStore,
        files: FileService,
        jobs: JobRunner,
        temp: TempManager,
        work: Work,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._files = files
        self._jobs = jobs
        self._temp = temp
        self._work = work
        self._clock = clock
        self._monotonic = monotonic
        self._failures = Counter[str]()
        self._not_before: dict[str, float] = {}  # on the monotonic clock

    async def create(
        self,
        owner: str,
        endpoint: str,
        input_file_id: str,
        window_hours: int,
        metadata: dict[str, str] | None,
        output_seconds: int | None,
    ) -> Batch:
        """Raises NotFoundError for the file, InvalidRequestError, OverloadedError."""
        file = await self._files.find(owner, input_file_id)
        if file.purpose != "batch":
            raise InvalidRequestError("The input file needs purpose=batch.", param="input_file_id")
        if file.bytes > MAX_INPUT_BYTES:
            raise InvalidRequestError(
                f"An input file may hold at most {MAX_INPUT_BYTES // 1024**2} MiB.", param="input_file_id"
            )
        now = int(self._clock())
        batch = Batch(
            id=f"batch_{uuid.uuid4().hex}",
            endpoint=endpoint,
            input_file_id=input_file_id,
            completion_window=f"{window_hours}h",
            metadata=metadata,
            created_at=now,
            expires_at=now + window_hours * 3600,
        )
        await self._store.add(owner, batch, output_seconds)
        self._jobs.batches_due.set()
        return batch

    async def find(self, owner: str, batch_id: str) -> Batch:
        """Raises NotFoundError, also for batches of other owners."""
        return await self._store.find(owner, batch_id)

    async def page(self, owner: str, after: str | None, limit: int) -> Sequence[Batch]:
        return await self._store.page(owner, after, limit)

    async def cancel(self, owner: str, batch_id: str) -> Batch:
        """Raises NotFoundError, or InvalidRequestError if it has ended."""
        batch = await self._store.cancel(owner, batch_id, int(self._clock()))
        self._jobs.batches_due.set()
        return batch

    async def run(self) -> None:
        """Advance every batch that is due, whenever a job ends or a batch changes, until cancelled."""
        while True:
            self._jobs.batches_due.clear()
            for owner, output_seconds, batch in await self._store.due(self._clock()):
                if self._monotonic() >= self._not_before.get(batch.id, 0):
                    await self._advance(owner, output_seconds, batch)
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._jobs.batches_due.wait()

    async def sweep(self) -> None:
        """Delete batches that ended long ago, and what a crash left of the jobs of others."""
        await self._store.clear()
        await self._store.delete_older(self._clock() - RETENTION_SECONDS)

    async def _advance(self, owner: str, output_seconds: int | None, batch: Batch) -> None:
        """Take its next step. An error delays this batch alone and, if it comes again and again, fails it."""
        wait: float = RETRY_SECONDS
        try:
            if batch.status == "validating":
                await self._validate(owner, batch)
            else:
                await self._finalize(owner, output_seconds, batch)
        except TranscriptionServerError as error:
            logger.warning("%s: %s", batch.id, error.message)
            wait = error.retry_after or RETRY_SECONDS
            self._failures[batch.id] += error.retry_after is None
        except Exception:
            logger.exception("%s failed", batch.id)
            self._failures[batch.id] += 1
        else:
            self._forget(batch)
            return
        self._not_before[batch.id] = self._monotonic() + wait
        if self._failures[batch.id] >= MAX_FAILURES:
            await self._fail(owner, batch)

    async def _fail(self, owner: str, batch: Batch) -> None:
        error = UnexpectedError()
        reason = BatchError(code=error.type, message=error.message)
        try:
            await self._store.fail(owner, batch.id, reason, int(self._clock()))
        except Exception:
            logger.exception("%s: its failure cannot be stored", batch.id)
        else:
            self._forget(batch)

    def _forget(self, batch: Batch) -> None:
        self._failures.pop(batch.id, None)
        self._not_before.pop(batch.id, None)

    async def _validate(self, owner: str, batch: Batch) -> None:
        """Turn its lines into jobs, or fail it with all errors in them."""
        lines = BatchInput(batch, owner, await self._files.ids(owner), self._work)
        jobs, errors = await asyncio.to_thread(lines.read, self._files.path(batch.input_file_id))
        now = int(self._clock())
        if errors:
            await self._store.reject(owner, batch.id, errors, now)
        else:
            await self._store.start(owner, batch.id, jobs, now)
        self._jobs.wake()

    async def _finalize(self, owner: str, output_seconds: int | None, batch: Batch) -> None:
        """Write the outputs, whether all lines have ended or the batch expired or was cancelled."""
        batch, dropped = await self._store.close(owner, batch.id, int(self._clock()))
        await self._jobs.cancel(dropped)
        is_cancelled = batch.cancelling_at is not None
        taken: list[StoredFile | None] = []
        try:
            with disk_full_translated():
                async with self._temp.workspace() as workspace:
                    outputs = BatchOutputs(workspace, self._work)
                    await self._write(outputs, batch, workspace, is_cancelled)
                    for path in (outputs.answers, outputs.errors):
                        taken.append(await self._take(owner, batch, path, output_seconds))
            answers, errors = taken
            ending = "cancelled" if is_cancelled else "expired" if outputs.unanswered else "completed"
            ended = batch.then(
                status=ending,
                request_counts=outputs.counts(),
                output_file_id=answers and answers.id,
                error_file_id=errors and errors.id,
                **{f"{ending}_at": int(self._clock())},
            )
            await self._store.finish(ended, [file for file in taken if file])
        except Exception:  # not when cancelled: then the store may have finished it all the same
            await self._files.discard([file for file in taken if file])
            raise
        await self._store.clear()

    async def _write(self, outputs: BatchOutputs, batch: Batch, workspace: Path, is_cancelled: bool) -> None:
        after = 0
        while jobs := await self._store.lines(batch.id, after):
            after = jobs[-1][0]
            for _, job in jobs:
                transcript = None
                try:
                    transcript = await self._store.transcript(job, workspace)
                except ValueError:
                    logger.exception("%s: its transcript cannot be read", job.id)
                await finish_in_thread(partial(outputs.write, job, transcript, is_cancelled))

    async def _take(
        self, owner: str, batch: Batch, path: Path, output_seconds: int | None
    ) -> StoredFile | None:
        """A file of outputs, unless it is empty."""
        if not (await asyncio.to_thread(path.stat)).st_size:
            return None
        return await self._files.take(owner, path, f"{batch.id}_{path.name}", "batch_output", output_seconds)
