"""The database keeps what it was given, whole or not at all, and to itself."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exceptions import DataFolderError, InsufficientStorageError
from tests.utils.test_disk import largest_file
from utils.store.sqlite import job_rows
from utils.store.sqlite.database import Database
from utils.store.sqlite.schema import MIGRATIONS

NOTES = "CREATE TABLE notes (text TEXT NOT NULL) STRICT"
SECRET = "nobody may read this"


@asynccontextmanager
async def opened(path: Path, *migrations: str) -> AsyncIterator[Database]:
    database = Database(path, migrations, busy_seconds=0.1)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


def add(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT INTO notes VALUES (?)", (text,))


def notes(connection: sqlite3.Connection) -> list[str]:
    return [row["text"] for row in connection.execute("SELECT text FROM notes")]


async def test_what_was_written_is_there_after_a_restart_and_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "server.db"
    async with opened(path, NOTES) as database:
        await database.run(lambda connection: add(connection, "one"))
    async with opened(path, NOTES, "ALTER TABLE notes ADD COLUMN seen INTEGER") as database:
        assert await database.run(notes) == ["one"]
        await database.run(lambda connection: connection.execute("UPDATE notes SET seen = 1").rowcount)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_work_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        add(connection, "half")
        raise ValueError

    async with opened(tmp_path / "server.db", NOTES) as database:
        with pytest.raises(ValueError):  # noqa: PT011
            await database.run(fail)
        assert await database.run(notes) == []


async def test_a_failed_migration_is_not_half_done(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with pytest.raises(DataFolderError, match="DATA_DIR"):
        async with opened(path, NOTES, "CREATE TABLE more (id INTEGER); INSERT INTO nowhere VALUES (1)"):
            pass
    async with opened(path, NOTES, "CREATE TABLE more (id INTEGER)") as database:
        assert await database.run(notes) == []


async def test_a_second_server_and_an_older_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    async with opened(path, NOTES):
        with pytest.raises(DataFolderError, match="locked"):
            async with opened(path, NOTES):
                pass
    with pytest.raises(DataFolderError, match="newer version"):
        async with opened(path):
            pass


def is_found(folder: Path) -> bool:
    return any(SECRET.encode() in path.read_bytes() for path in folder.iterdir())


async def test_what_is_deleted_is_in_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "server.db", NOTES) as database:
        await database.run(lambda connection: add(connection, SECRET))
        assert is_found(tmp_path)
        await database.run_and_purge(lambda connection: connection.execute("DELETE FROM notes").rowcount)
        assert not is_found(tmp_path)


async def test_a_file_with_a_good_header_and_a_bad_body_is_said(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    async with opened(path, NOTES) as database:
        await database.run(lambda connection: add(connection, "one"))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(DataFolderError, match="DATA_DIR"):
        async with opened(path, NOTES) as database:
            await database.run(notes)


async def test_a_full_disk_refuses_new_things_and_not_deletions(tmp_path: Path) -> None:
    """The log cannot grow: deletions empty it first."""
    wal = tmp_path / "server.db-wal"
    async with opened(tmp_path / "server.db", NOTES) as database:
        for _ in range(20):
            await database.run(lambda connection: add(connection, "x" * 4000))
        with largest_file(wal.stat().st_size):
            with pytest.raises(InsufficientStorageError):
                await database.run(lambda connection: add(connection, "x" * 400_000))
            for _ in range(20):
                await database.run_and_purge(
                    lambda connection: connection.execute("DELETE FROM notes WHERE rowid = 1").rowcount
                )
            await database.run_freeing(lambda connection: connection.execute("DELETE FROM notes").rowcount)
        assert await database.run(notes) == []


async def test_a_log_that_cannot_be_emptied_is_no_failure(tmp_path: Path) -> None:
    """Where the database itself cannot grow, what was deleted is deleted, and the log is emptied later."""
    async with opened(tmp_path / "server.db", NOTES) as database:
        await database.run(lambda connection: add(connection, "x" * 200_000))
        with largest_file(4 * 4096):
            await database.run_and_purge(lambda connection: None)
        await database.run_and_purge(lambda connection: None)
        assert (tmp_path / "server.db-wal").stat().st_size == 0


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match="DATA_DIR"):
        async with opened(tmp_path / "file" / "server.db"):
            pass


async def test_results_that_an_upgrade_cannot_read_say_so(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    async with opened(path, *MIGRATIONS[:4]) as database:
        await database.run(
            lambda connection: (
                connection.execute(
                    "INSERT INTO jobs"
                    " (id, owner, endpoint, fields, custom_id, status, turn, created_at, transcript)"
                    " VALUES ('old', '', '', '[]', '', 'completed', 0, 0, x'00')"
                ).rowcount
            )
        )
    async with opened(path, *MIGRATIONS) as database:
        job = await database.run(lambda connection: job_rows.find(connection, "", "old"))
    assert job.status == "failed"
    assert job.error is not None
    assert "start the transcription again" in job.error["error"]["message"]
