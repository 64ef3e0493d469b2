"""Batches from input to outputs. Every step starts from the stored state, so that a server that crashes at
any point resumes there at its next start."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from exceptions import InvalidRequestError
from services.durable.batch_input import BatchInput
from services.durable.batch_outputs import BatchOutputs
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner, Work
from utils.store.interface import BatchStore
from utils.store.records import Batch
from utils.temp_manager import TempManager
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]

MAX_INPUT_BYTES = 64 * 1024 * 1024  # held in memory while it is validated
TICK_SECONDS = 10.0  # the longest delay before an expiry is noticed
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
    ) -> None:
        self._store = store
        self._files = files
        self._jobs = jobs
        self._temp = temp
        self._work = work
        self._clock = clock

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
                if batch.status == "validating":
                    await self._validate(owner, batch)
                else:
                    await self._finalize(owner, output_seconds, batch)
            await self._store.delete_older(self._clock() - RETENTION_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._jobs.batches_due.wait()

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
        async with self._temp.workspace() as workspace:
            outputs = BatchOutputs(workspace, self._work)
            is_cancelled, after = batch.cancelling_at is not None, 0
            while jobs := await self._store.lines(batch.id, after, workspace):
                after = jobs[-1][0]
                answered = [(job, transcript) for _, job, transcript in jobs]
                await finish_in_thread(partial(outputs.write, answered, is_cancelled))
            files = [
                await self._files.take(owner, path, f"{batch.id}_{path.name}", "batch_output", output_seconds)
                if path.stat().st_size
                else None
                for path in (outputs.answers, outputs.errors)
            ]
        ending = "cancelled" if is_cancelled else "expired" if outputs.unanswered else "completed"
        ended = batch.then(
            status=ending,
            request_counts=outputs.counts(),
            output_file_id=files[0] and files[0].id,
            error_file_id=files[1] and files[1].id,
            **{f"{ending}_at": int(self._clock())},
        )
        await self._store.finish(ended, [file for file in files if file])
