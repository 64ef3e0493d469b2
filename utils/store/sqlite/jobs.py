"""`JobStore` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from models import Transcript
from utils.store.records import Job, JobEvent, StoredChunk
from utils.store.sqlite import content_rows as content
from utils.store.sqlite import job_rows as rows
from utils.store.sqlite.database import Database
from utils.store.sqlite.transcripts import read_lines, write_lines
from utils.waiting.concurrency import finish_in_thread


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
        await self._database.run_in_steps(content.delete_left_checkpoints)

    async def release(self) -> None:
        await self._database.run(rows.release)

    async def put_back(self, job_id: str) -> None:
        await self._database.run(lambda connection: rows.put_back(connection, job_id))

    async def find(self, owner: str, job_id: str) -> Job:
        return await self._database.run(lambda connection: rows.find(connection, owner, job_id))

    async def report(self, owner: str, job_id: str, folder: Path) -> tuple[Job, str, Transcript | None]:
        job, text, transcript = await self.find(owner, job_id), await self._text(job_id), None
        if job.status == "completed":
            try:
                transcript = await finish_in_thread(partial(read_lines, self._database, job_id, folder))
            except ValueError:
                await self.find(owner, job_id)  # raises NotFoundError if it was deleted meanwhile
                raise
        return job, text, transcript

    async def finish_chunk(
        self, job_id: str, index: int, result: bytes, samples: tuple[int, int], events: Sequence[JobEvent]
    ) -> None:
        def finish(connection: Connection) -> None:
            content.add_chunk(connection, job_id, index, result)
            content.append_events(connection, job_id, events)
            content.set_progress(connection, job_id, samples)

        await self._database.run(finish)

    async def add_part(self, job_id: str, index: int, part: bytes, events: Sequence[JobEvent]) -> None:
        def add(connection: Connection) -> None:
            content.add_part(connection, job_id, index, part)
            content.append_events(connection, job_id, events)

        await self._database.run(add)

    async def stored_chunk(self, job_id: str, index: int) -> StoredChunk:
        return await self._database.run(lambda connection: content.stored_chunk(connection, job_id, index))

    async def restart(self, job_id: str) -> None:
        await self._database.run_in_steps(lambda connection: content.delete_content(connection, job_id))

    async def count_events(self, job_id: str) -> int:
        return await self._database.run(lambda connection: content.count_events(connection, job_id))

    async def events_after(self, job_id: str, number: int) -> list[tuple[int, str]]:
        return await self._database.run(lambda connection: content.events_after(connection, job_id, number))

    async def complete(
        self, job_id: str, transcript: Transcript, events: Sequence[JobEvent], now: float, expires: float
    ) -> None:
        num_lines = await finish_in_thread(partial(write_lines, self._database, job_id, transcript))
        if num_lines is None:
            return
        for start in range(0, len(events), rows.STEP):
            page = events[start : start + rows.STEP]
            await self._database.run(
                partial(content.stage_events, job_id=job_id, first=start + 1, events=page)
            )

        def complete(connection: Connection) -> None:
            content.show_events(connection, job_id, len(events))
            if rows.complete(connection, job_id, transcript.num_samples, now, expires):
                content.drop_lines(connection, job_id, num_lines)

        await self._database.run(complete)
        await self._delete_checkpoints(job_id)

    async def fail(
        self,
        job_id: str,
        error: dict[str, Any],
        events: Sequence[JobEvent],
        now: float,
        expires: float,
    ) -> None:
        def fail(connection: Connection) -> None:
            content.append_events(connection, job_id, events)
            rows.fail(connection, job_id, error, now, expires)

        await self._database.run(fail)
        await self._delete_checkpoints(job_id)

    async def delete(self, owner: str, job_id: str) -> None:
        await self._database.run_freeing(lambda connection: rows.mark_deleted(connection, owner, job_id))
        await self._purge_deleted()

    async def delete_expired(self, now: float) -> None:
        if await self._database.run_freeing(lambda connection: rows.mark_expired(connection, now)):
            await self._purge_deleted()

    async def unfinished(self) -> frozenset[str]:
        return await self._database.run(rows.unfinished)

    async def unparsed(self) -> list[Job]:
        return await self._database.run(rows.unparsed)

    async def set_request(self, job_id: str, request: str) -> None:
        await self._database.run(lambda connection: rows.set_request(connection, job_id, request))

    async def reject(self, job_id: str, error: dict[str, Any]) -> None:
        await self._database.run(lambda connection: rows.reject(connection, job_id, error))

    async def _text(self, job_id: str) -> str:
        pieces: list[str] = []
        after = 0
        while page := await self._database.run(partial(content.deltas_after, job_id=job_id, after=after)):
            pieces += [delta for _, delta in page]
            after = page[-1][0]
        return "".join(pieces)

    async def _delete_checkpoints(self, job_id: str) -> None:
        """Of a job that has ended: the transcript or error replaces them."""
        await self._database.run_in_steps(lambda connection: content.delete_checkpoints(connection, job_id))

    async def _purge_deleted(self) -> None:
        await self._database.run_in_steps(
            lambda connection: rows.delete_some(connection, rows.a_deleted(connection))
        )
        await self._database.purge()
