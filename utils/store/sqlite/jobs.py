"""`JobStore` in SQLite."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection
from typing import Any

from models import Transcript
from utils.store.records import Job, JobEvent
from utils.store.sqlite import job_rows as rows
from utils.store.sqlite.database import Database


class SqliteJobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_room(self, limit: int) -> None:
        await self._database.run(lambda connection: rows.check_room(connection, limit))

    async def add(self, job: Job, limit: int, now: float) -> None:
        def add(connection: Connection) -> None:
            rows.check_room(connection, limit)
            rows.add(connection, [job], now)

        await self._database.run(add)

    async def claim(self, now: float) -> Job | None:
        return await self._database.run(lambda connection: rows.claim(connection, now))

    async def requeue(self) -> None:
        await self._database.run(rows.requeue)

    async def find(self, owner: str, job_id: str) -> Job:
        return await self._database.run(lambda connection: rows.find(connection, owner, job_id))

    async def report(self, owner: str, job_id: str, folder: Path) -> tuple[Job, str, Transcript | None]:
        def report(connection: Connection) -> tuple[Job, str, Transcript | None]:
            job = rows.find(connection, owner, job_id)
            return job, rows.text_so_far(connection, job_id), rows.transcript(connection, job, folder)

        return await self._database.run(report)

    async def checkpoint(self, job_id: str, index: int, result: bytes, samples: tuple[int, int]) -> None:
        await self._database.run(
            lambda connection: rows.checkpoint(connection, job_id, index, result, samples)
        )

    async def finished_chunk(self, job_id: str, index: int) -> bytes | None:
        return await self._database.run(lambda connection: rows.finished_chunk(connection, job_id, index))

    async def append_event(self, job_id: str, number: int, event: JobEvent) -> None:
        await self._database.run(lambda connection: rows.append_event(connection, job_id, number, event))

    async def count_events(self, job_id: str) -> int:
        return await self._database.run(lambda connection: rows.count_events(connection, job_id))

    async def events_after(self, job_id: str, number: int) -> list[tuple[int, str]]:
        return await self._database.run(lambda connection: rows.events_after(connection, job_id, number))

    async def complete(self, job_id: str, transcript: Transcript, now: float, expires: float) -> None:
        await self._database.run(
            lambda connection: rows.complete(connection, job_id, transcript, now, expires)
        )

    async def fail(self, job_id: str, error: dict[str, Any], now: float, expires: float) -> None:
        await self._database.run(lambda connection: rows.fail(connection, job_id, error, now, expires))

    async def delete(self, owner: str, job_id: str) -> None:
        def delete(connection: Connection) -> None:
            rows.find(connection, owner, job_id)
            rows.delete(connection, job_id)

        await self._database.run_and_purge(delete)

    async def delete_expired(self, now: float) -> None:
        await self._database.run_and_purge(lambda connection: rows.delete_expired(connection, now))

    async def unfinished(self) -> frozenset[str]:
        return await self._database.run(rows.unfinished)

    async def unparsed(self) -> list[Job]:
        return await self._database.run(rows.unparsed)

    async def set_request(self, job_id: str, request: str) -> None:
        await self._database.run(lambda connection: rows.set_request(connection, job_id, request))

    async def reject(self, job_id: str, error: dict[str, Any]) -> None:
        await self._database.run(lambda connection: rows.reject(connection, job_id, error))
