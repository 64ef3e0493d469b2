"""The SQLite database: one file, one connection, one thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from exceptions import DataFolderError
from utils.disk import disk_full_translated
from utils.store.sqlite.schema import MIGRATIONS

R = TypeVar("R")

BUSY_SECONDS = 5.0  # a previous server may still be shutting down


class Database:
    """All work runs on the connection's one thread, so that transactions need no further locks and the event
    loop never waits for the disk. The file belongs to one server at a time."""

    def __init__(
        self, path: Path, migrations: Sequence[str] = MIGRATIONS, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._path = path
        self._migrations = migrations
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(1, "database")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises DataFolderError: it is not writable, another server has it, or a newer version wrote it."""
        try:
            await self._submit(self._open)
        except (OSError, sqlite3.Error) as error:
            raise DataFolderError(
                f"The data folder '{self._path.parent}' cannot be used ({error}): it must be writable, and "
                "each server needs its own; set DATA_DIR."
            ) from error

    async def run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run `work(connection)` as one transaction. It completes even if the caller is cancelled.

        Raises InsufficientStorageError, in which case nothing was written.
        """
        return await self._submit(lambda: self._transact(work))

    async def run_and_purge(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """As `run`; afterwards nothing that `work` deleted is left in the files, the WAL included."""

        def transact_and_truncate_wal() -> R:
            result = self._transact(work)
            self._opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return result

        return await self._submit(transact_and_truncate_wal)

    async def close(self) -> None:
        """Finish the queued work, then release the file."""
        if self._connection is not None:
            await self._submit(self._connection.close)
        await asyncio.to_thread(self._thread.shutdown)

    async def _submit(self, work: Callable[[], R]) -> R:
        # The shield keeps a cancelled caller from cancelling work that is still queued.
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(work)))

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the database was not opened")
        return self._connection

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        self._connection = connection
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # before WAL, which then shares no memory
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # deleted speech is overwritten, not only unlinked
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(self._migrations):
            raise sqlite3.DatabaseError("a newer version of this server wrote it")
        for number, script in enumerate(self._migrations[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")
        connection.executescript("BEGIN IMMEDIATE; COMMIT")  # takes the lock, which is held until `close`

    def _transact(self, work: Callable[[sqlite3.Connection], R]) -> R:
        connection = self._opened
        with disk_full_translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return result
