"""`BatchStore` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from exceptions import InvalidRequestError
from models import Transcript
from utils.store.records import Batch, BatchError, BatchErrors, Job, StoredFile
from utils.store.sqlite import batch_rows as rows
from utils.store.sqlite import file_rows, job_rows
from utils.store.sqlite.database import Database
from utils.store.sqlite.transcripts import read_lines
from utils.waiting.concurrency import finish_in_thread


class SqliteBatches:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, owner: str, batch: Batch, output_seconds: int | None) -> None:
        await self._database.run(lambda connection: rows.add(connection, owner, batch, output_seconds))

    async def find(self, owner: str, batch_id: str) -> Batch:
        return await self._database.run(lambda connection: rows.find(connection, owner, batch_id))

    async def page(self, owner: str, after: str | None, limit: int) -> Sequence[Batch]:
        return await self._database.run(lambda connection: rows.page(connection, owner, after, limit))

    async def cancel(self, owner: str, batch_id: str, now: int) -> Batch:
        def cancel(connection: Connection) -> Batch:
            batch = rows.find(connection, owner, batch_id)
            if batch.status not in ("validating", "in_progress", "cancelling"):
                raise InvalidRequestError(f"The batch is {batch.status}; there is nothing to cancel.")
            if batch.status != "cancelling":
                batch = batch.then(status="cancelling", cancelling_at=now)
                rows.save(connection, batch)
            return batch

        return await self._database.run_freeing(cancel)

    async def due(self, now: float) -> list[tuple[str, int | None, Batch]]:
        return await self._database.run(lambda connection: rows.due(connection, now))

    async def start(self, owner: str, batch_id: str, lines: Sequence[Job], now: int) -> None:
        """In pages, each of which can run at once; a crash between two leaves the batch in validation."""

        def add(connection: Connection, page: Sequence[Job]) -> bool:
            is_validating = rows.find(connection, owner, batch_id).status == "validating"
            if is_validating:
                job_rows.add(connection, page, now)
            return is_validating

        def start(connection: Connection) -> None:
            batch = rows.find(connection, owner, batch_id)
            if batch.status == "validating":
                rows.save(connection, batch.then(status="in_progress", in_progress_at=now))

        queued = await self._database.run(lambda connection: job_rows.count_of_batch(connection, batch_id))
        for first in range(queued, len(lines), job_rows.STEP):
            if not await self._database.run(partial(add, page=lines[first : first + job_rows.STEP])):
                return
        await self._database.run(start)

    async def reject(self, owner: str, batch_id: str, errors: list[BatchError], now: int) -> None:
        await self._fail(owner, batch_id, errors, now, ("validating",))

    async def fail(self, owner: str, batch_id: str, error: BatchError, now: int) -> None:
        await self._fail(owner, batch_id, [error], now, rows.LIVE_STATUSES)

    async def _fail(
        self, owner: str, batch_id: str, errors: list[BatchError], now: int, before: Sequence[str]
    ) -> None:
        def fail(connection: Connection) -> None:
            batch = rows.find(connection, owner, batch_id)
            if batch.status in before:
                failed = batch.then(status="failed", failed_at=now, errors=BatchErrors(data=errors))
                rows.save(connection, failed)

        await self._database.run(fail)

    async def close(self, owner: str, batch_id: str, now: int) -> tuple[Batch, list[str]]:
        def close(connection: Connection) -> Batch:
            batch = rows.find(connection, owner, batch_id).then(status="finalizing", finalizing_at=now)
            rows.save(connection, batch)
            return batch

        batch, dropped = await self._database.run(close), list[str]()
        while some := await self._database.run(
            lambda connection: job_rows.cancel_some(connection, batch_id, now)
        ):
            dropped += some
        return batch, dropped

    async def lines(self, batch_id: str, after: int) -> list[tuple[int, Job]]:
        return await self._database.run(lambda connection: job_rows.of_batch(connection, batch_id, after))

    async def transcript(self, job: Job, folder: Path) -> Transcript | None:
        if job.status != "completed":
            return None
        return await finish_in_thread(partial(read_lines, self._database, job.id, folder))

    async def finish(self, batch: Batch, outputs: Sequence[StoredFile]) -> None:
        def finish(connection: Connection) -> None:
            for file in outputs:
                file_rows.insert(connection, file)
            rows.save(connection, batch)

        await self._database.run(finish)

    async def clear(self) -> None:
        while ended := await self._database.run(rows.an_ended_with_lines):
            await self._delete_lines(ended)

    async def delete_older(self, created_before: float) -> None:
        await self._database.run_freeing(lambda connection: rows.delete_older(connection, created_before))

    async def _delete_lines(self, batch_id: str) -> None:
        await self._database.run_in_steps(
            lambda connection: job_rows.delete_some(connection, job_rows.a_line_of(connection, batch_id))
        )
        await self._database.purge()
