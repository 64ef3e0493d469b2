"""The SQLite database: one file, one connection, one thread."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias, TypeVar

from exceptions import DataFolderError, InsufficientStorageError
from utils.disk import Reserve, disk_full_translated
from utils.store.sqlite.schema import MIGRATIONS

logger = logging.getLogger(__name__)

R = TypeVar("R")
Work: TypeAlias = Callable[[sqlite3.Connection], R]

BUSY_SECONDS = 5.0  # a previous server may still be shutting down
STEP_SECONDS = 0.02  # of work in one transaction of many; its commit takes about as long again
UNUSABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """All work runs on the connection's one thread, so that transactions need no further locks and the event
    loop never waits for the disk. Everybody waits for that thread, so what is long is read, written and
    deleted in many transactions, and encoded elsewhere. The file belongs to one server at a time."""

    def __init__(
        self, path: Path, migrations: Sequence[str] = MIGRATIONS, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._path = path
        self._migrations = migrations
        self._busy_seconds = busy_seconds
        self._reserve = Reserve(path.with_name(f"{path.name}-reserve"))
        self._thread = ThreadPoolExecutor(1, "database")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises DataFolderError: it is not writable, another server has it, or a newer version wrote it."""
        try:
            await self._submit(self._open)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    async def run(self, work: Work[R]) -> R:
        """Run `work(connection)` as one transaction. It completes even if the caller is cancelled.

        Raises InsufficientStorageError, in which case nothing was written, and DataFolderError.
        """
        return await self._submit(lambda: self._transact(work))

    def run_in_thread(self, work: Work[R]) -> R:
        """As `run`, for a thread that also encodes or decodes; it waits."""
        return self._thread.submit(self._transact, work).result()

    async def run_freeing(self, work: Work[R]) -> R:
        """As `run`, for work that frees space in the end: on a full disk it gets the reserve."""
        return await self._submit(lambda: self._transact_freeing(work))

    async def run_in_steps(self, step: Work[bool]) -> None:
        """Repeat a small `step(connection)` that frees space, until it returns False, in short transactions:
        others have their turns in between."""

        def steps(connection: sqlite3.Connection) -> bool:
            end = time.monotonic() + STEP_SECONDS
            while time.monotonic() < end:
                if not step(connection):
                    return False
            return True

        while await self.run_freeing(steps):
            pass

    async def run_and_purge(self, work: Work[R]) -> R:
        """As `run_freeing`; afterwards nothing that `work` deleted is left in the files."""

        def transact_and_purge() -> R:
            result = self._transact_freeing(work)
            self._truncate_wal()
            return result

        return await self._submit(transact_and_purge)

    async def purge(self) -> None:
        """Leave nothing of what was deleted in the files, the WAL included."""
        await self._submit(self._truncate_wal)

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
        self._reserve.fill()

    def _transact(self, work: Work[R]) -> R:
        connection = self._opened
        try:
            with disk_full_translated():
                connection.execute("BEGIN IMMEDIATE")
                try:
                    result = work(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0)  # absent where the Python module raises
            if code & 0xFF in UNUSABLE:  # the low byte of an extended code
                raise self._unusable(error) from error
            raise
        return result

    def _transact_freeing(self, work: Work[R]) -> R:
        try:
            return self._transact(work)
        except InsufficientStorageError:
            self._reserve.release()
            self._truncate_wal()
            try:
                return self._transact(work)
            finally:
                self._truncate_wal()
                self._reserve.fill()

    def _truncate_wal(self) -> None:
        """Move the WAL into the database. Where a full disk prevents that, the next call will do it."""
        try:
            with disk_full_translated():
                self._opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except InsufficientStorageError as error:
            logger.warning("the database keeps its log: %s", error.message)

    def _unusable(self, error: Exception) -> DataFolderError:
        return DataFolderError(
            f"The data folder '{self._path.parent}' cannot be used ({error}): it must be writable by user "
            f"{os.geteuid()}, and each server needs its own; set DATA_DIR."
        )
