"""`BatchStore` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection

from exceptions import InvalidRequestError
from models import Transcript
from utils.store.records import Batch, BatchError, BatchErrors, Job, StoredFile
from utils.store.sqlite import batch_rows as rows
from utils.store.sqlite import file_rows, job_rows
from utils.store.sqlite.database import Database


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

        return await self._database.run(cancel)

    async def due(self, now: float) -> list[tuple[str, int | None, Batch]]:
        return await self._database.run(lambda connection: rows.due(connection, now))

    async def start(self, owner: str, batch_id: str, lines: Sequence[Job], now: int) -> None:
        def start(connection: Connection) -> None:
            batch = rows.find(connection, owner, batch_id)
            if batch.status == "validating":
                rows.save(connection, batch.then(status="in_progress", in_progress_at=now))
                job_rows.add(connection, lines, now)

        await self._database.run(start)

    async def reject(self, owner: str, batch_id: str, errors: list[BatchError], now: int) -> None:
        def reject(connection: Connection) -> None:
            batch = rows.find(connection, owner, batch_id)
            if batch.status == "validating":
                failed = batch.then(status="failed", failed_at=now, errors=BatchErrors(data=errors))
                rows.save(connection, failed)

        await self._database.run(reject)

    async def close(self, owner: str, batch_id: str, now: int) -> tuple[Batch, list[str]]:
        def close(connection: Connection) -> tuple[Batch, list[str]]:
            batch = rows.find(connection, owner, batch_id).then(status="finalizing", finalizing_at=now)
            rows.save(connection, batch)
            return batch, job_rows.cancel_batch(connection, batch_id, now)

        return await self._database.run(close)

    async def lines(
        self, batch_id: str, after: int, folder: Path
    ) -> list[tuple[int, Job, Transcript | None]]:
        return await self._database.run(
            lambda connection: job_rows.of_batch(connection, batch_id, after, folder)
        )

    async def finish(self, batch: Batch, outputs: Sequence[StoredFile]) -> None:
        def finish(connection: Connection) -> None:
            for file in outputs:
                file_rows.insert(connection, file)
            rows.save(connection, batch)
            job_rows.delete_batch(connection, batch.id)

        await self._database.run_and_purge(finish)

    async def delete_older(self, created_before: float) -> None:
        await self._database.run(lambda connection: rows.delete_older(connection, created_before))
