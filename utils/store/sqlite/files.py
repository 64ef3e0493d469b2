"""`FileStore` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from utils.store.records import FileLimits, StoredFile
from utils.store.sqlite import file_rows as rows
from utils.store.sqlite.database import Database


class SqliteFiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ids(self, owner: str | None = None) -> frozenset[str]:
        return await self._database.run(lambda connection: rows.ids(connection, owner))

    async def check_room(self, new_bytes: int, limits: FileLimits) -> None:
        await self._database.run(lambda connection: rows.check_room(connection, new_bytes, limits))

    async def add(self, file: StoredFile, limits: FileLimits) -> None:
        def add(connection: Connection) -> None:
            rows.check_room(connection, file.bytes, limits)
            rows.insert(connection, file)

        await self._database.run(add)

    async def find(self, owner: str, file_id: str) -> StoredFile:
        return await self._database.run(lambda connection: rows.find(connection, owner, file_id))

    async def page(
        self, owner: str, purpose: str | None, after: str | None, is_descending: bool, limit: int
    ) -> Sequence[StoredFile]:
        return await self._database.run(
            lambda connection: rows.page(connection, owner, purpose, after, is_descending, limit)
        )

    async def delete(self, owner: str, file_id: str) -> None:
        await self._database.run_freeing(lambda connection: rows.delete(connection, owner, file_id))

    async def expired(self, now: float) -> Sequence[tuple[str, str]]:
        return await self._database.run(lambda connection: rows.expired(connection, now))
