"""Batches from their input to their outputs. Every step is taken from what SQLite says, so that a server that
dies anywhere goes on from there at its next start."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from sqlite3 import Connection
from typing import BinaryIO

from exceptions import InvalidRequestError, NotFoundError, TranscriptionServerError
from services.durable.batch_lines import MAX_LINE_BYTES, MAX_LINES, BatchLine, read_line
from services.durable.batch_outputs import BatchOutputs
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner, Work
from utils.store import batches as batch_store
from utils.store import files as file_store
from utils.store import jobs as job_store
from utils.store.batches import Batch, BatchError, BatchErrors
from utils.store.database import Database
from utils.store.jobs import Job
from utils.temp_manager import TempManager
from utils.waiting.concurrency import finish_in_thread

Clock = Callable[[], float]

MAX_INPUT_BYTES = 64 * 1024 * 1024  # it is held in memory while it is checked
MAX_ERRORS = 1000  # of an input; the rest is not read
TICK_SECONDS = 10.0  # how late an expiry may be noticed
KEPT_SECONDS = 30 * 24 * 3600  # batches that are over


class BatchService:
    def __init__(
        self,
        database: Database,
        files: FileService,
        jobs: JobRunner,
        temp: TempManager,
        work: Work,
        clock: Clock = time.time,
    ) -> None:
        self._database = database
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
        await self._database.run(lambda connection: batch_store.add(connection, owner, batch, output_seconds))
        self._jobs.ended.set()
        return batch

    async def find(self, owner: str, batch_id: str) -> Batch:
        """Raises NotFoundError, also for the batches of others."""
        return await self._database.run(lambda connection: batch_store.find(connection, owner, batch_id))

    async def page(self, owner: str, after: str | None, limit: int) -> Sequence[Batch]:
        return await self._database.run(lambda connection: batch_store.page(connection, owner, after, limit))

    async def cancel(self, owner: str, batch_id: str) -> Batch:
        """Raises NotFoundError, or InvalidRequestError when it is over."""

        def mark(connection: Connection) -> Batch:
            batch = batch_store.find(connection, owner, batch_id)
            if batch.status not in ("validating", "in_progress", "cancelling"):
                raise InvalidRequestError(f"The batch is {batch.status}; there is nothing to cancel.")
            if batch.status != "cancelling":
                batch = batch.then(status="cancelling", cancelling_at=int(self._clock()))
                batch_store.save(connection, batch)
            return batch

        batch = await self._database.run(mark)
        self._jobs.ended.set()
        return batch

    async def run(self) -> None:
        """Take every batch that can go on a step further whenever something happened, until cancelled."""
        while True:
            self._jobs.ended.clear()
            for owner, output_seconds, batch in await self._database.run(
                lambda connection: batch_store.due(connection, self._clock())
            ):
                if batch.status == "validating":
                    await self._validate(owner, batch)
                else:
                    await self._finalize(owner, output_seconds, batch)
            await self._database.run(
                lambda connection: batch_store.delete_older(connection, self._clock() - KEPT_SECONDS)
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._jobs.ended.wait()

    async def _validate(self, owner: str, batch: Batch) -> None:
        """Its lines become jobs, or it fails with all that is wrong with them."""
        known = await self._database.run(lambda connection: file_store.ids(connection, owner))
        lines, errors = await asyncio.to_thread(self._read, batch, known)

        def write(connection: Connection) -> None:
            if batch_store.find(connection, owner, batch.id).status != "validating":
                return  # it was cancelled meanwhile
            now = int(self._clock())
            if errors:
                failed = batch.then(status="failed", failed_at=now, errors=BatchErrors(data=errors))
                batch_store.save(connection, failed)
                return
            batch_store.save(connection, batch.then(status="in_progress", in_progress_at=now))
            jobs = (
                Job(
                    f"batch_req_{uuid.uuid4().hex}",
                    owner,
                    batch.endpoint,
                    line.fields,
                    batch.id,
                    line.custom_id,
                    line.file_id,
                )
                for line in lines
            )
            job_store.add(connection, jobs, now)

        await self._database.run(write)
        self._jobs.wake()

    def _read(self, batch: Batch, known: frozenset[str]) -> tuple[list[BatchLine], list[BatchError]]:
        lines: list[BatchLine] = []
        errors: list[BatchError] = []
        custom_ids: set[str] = set()
        try:
            with self._files.path(batch.input_file_id).open("rb") as file:
                for number, raw in _numbered(file):
                    try:
                        line = read_line(raw, batch.endpoint)
                        self._check(batch.endpoint, line, known, custom_ids)
                        lines.append(line)
                    except TranscriptionServerError as error:
                        errors.append(_batch_error(error, number))
                    if len(errors) == MAX_ERRORS or number > MAX_LINES:
                        break
        except FileNotFoundError:
            errors.append(BatchError(code="not_found", message="The input file was deleted."))
        if len(lines) > MAX_LINES:
            errors.append(
                BatchError(code="too_many_lines", message=f"A batch has at most {MAX_LINES} lines.")
            )
        if not lines and not errors:
            errors.append(BatchError(code="empty_file", message="The input file holds no requests."))
        return lines, errors

    def _check(self, endpoint: str, line: BatchLine, known: frozenset[str], custom_ids: set[str]) -> None:
        if line.custom_id in custom_ids:
            raise InvalidRequestError(
                "Another line has this custom_id.", param="custom_id", code="duplicate_custom_id"
            )
        custom_ids.add(line.custom_id)
        if line.file_id not in known:
            raise NotFoundError("body.file_id names no file of yours.", param="body.file_id")
        self._work.check(endpoint, line.fields)

    async def _finalize(self, owner: str, output_seconds: int | None, batch: Batch) -> None:
        """The lines that were done become the outputs, whether all were, or it expired or was cancelled."""
        batch = await self._close(owner, batch)
        async with self._temp.workspace() as workspace:
            outputs = BatchOutputs(workspace, self._work)
            read = partial(job_store.of_batch, batch_id=batch.id, folder=workspace)
            is_cancelled, after = batch.cancelling_at is not None, 0
            while jobs := await self._database.run(partial(read, after=after)):
                after = jobs[-1][0]
                answered = [(job, transcript) for _, job, transcript in jobs]
                await finish_in_thread(partial(outputs.write, answered, is_cancelled))
            kept = [
                await self._files.take(owner, path, f"{batch.id}_{path.name}", "batch_output", output_seconds)
                if path.stat().st_size
                else None
                for path in (outputs.answers, outputs.errors)
            ]
        now = int(self._clock())
        ending = "cancelled" if batch.cancelling_at else "expired" if outputs.unanswered else "completed"
        ended = batch.then(
            status=ending,
            request_counts=outputs.counts(),
            output_file_id=kept[0] and kept[0].id,
            error_file_id=kept[1] and kept[1].id,
            **{f"{ending}_at": now},
        )

        def write(connection: Connection) -> None:
            for file in filter(None, kept):
                file_store.insert(connection, file)
            batch_store.save(connection, ended)
            job_store.delete_batch(connection, batch.id)

        await self._database.forget(write)

    async def _close(self, owner: str, batch: Batch) -> Batch:
        """From here on nothing of it runs, and it cannot be cancelled."""

        def write(connection: Connection) -> tuple[Batch, list[str]]:
            now = int(self._clock())
            closed = batch_store.find(connection, owner, batch.id).then(
                status="finalizing", finalizing_at=now
            )
            batch_store.save(connection, closed)
            return closed, job_store.cancel_batch(connection, batch.id, now)

        closed, dropped = await self._database.run(write)
        await self._jobs.stop(dropped)
        return closed


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines from one on, without the empty ones."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line


def _batch_error(error: TranscriptionServerError, line: int) -> BatchError:
    return BatchError(
        code=error.code or "invalid_request", message=error.message, param=error.param, line=line
    )
