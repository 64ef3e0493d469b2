"""Metadata of uploaded files in SQLite. Each function is part of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from sqlite3 import Connection, Row

from exceptions import InsufficientStorageError
from utils.store.records import FileLimits, StoredFile
from utils.store.sqlite.owned_rows import OwnedRows

OWNED = OwnedRows("files", "file", "file_id")


def check_room(connection: Connection, new_bytes: int, limits: FileLimits) -> None:
    """Raises InsufficientStorageError when one more file of that size exceeds the limits."""
    count, total = connection.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM files").fetchone()
    if count >= limits.max_files or total + new_bytes > limits.max_bytes:
        raise InsufficientStorageError("The file store of this server is full; delete files first.")


def insert(connection: Connection, file: StoredFile) -> None:
    connection.execute(
        "INSERT INTO files (id, owner, filename, purpose, bytes, created_at, expires_at)"
        " VALUES (:id, :owner, :filename, :purpose, :bytes, :created_at, :expires_at)",
        asdict(file),
    )


def find(connection: Connection, owner: str, file_id: str) -> StoredFile:
    """Raises NotFoundError, also for the files of others."""
    return _file(OWNED.find(connection, owner, file_id))


def page(
    connection: Connection,
    owner: str,
    purpose: str | None,
    after: str | None,
    is_descending: bool,
    limit: int,
) -> Sequence[StoredFile]:
    """Up to `limit` files that come after the file `after`, in order of creation. Raises InvalidRequestError
    when there is no file `after`."""
    rows = connection.execute(
        "SELECT * FROM files WHERE owner = :owner AND (:purpose IS NULL OR purpose = :purpose)"
        " AND (:start IS NULL OR number * :sign > :start * :sign) ORDER BY number * :sign LIMIT :limit",
        {
            "owner": owner,
            "purpose": purpose,
            "start": OWNED.page_start(connection, owner, after),
            "sign": -1 if is_descending else 1,
            "limit": limit,
        },
    )
    return [_file(row) for row in rows]


def delete(connection: Connection, owner: str, file_id: str) -> None:
    """Raises NotFoundError."""
    find(connection, owner, file_id)
    connection.execute("DELETE FROM files WHERE id = ?", (file_id,))


def expired(connection: Connection, now: float) -> Sequence[tuple[str, str]]:
    rows = connection.execute("SELECT owner, id FROM files WHERE expires_at <= ?", (now,))
    return [(row["owner"], row["id"]) for row in rows]


def ids(connection: Connection, owner: str | None = None) -> frozenset[str]:
    """Those of one owner, or all."""
    rows = connection.execute("SELECT id FROM files WHERE :owner IS NULL OR owner = :owner", {"owner": owner})
    return frozenset(row["id"] for row in rows)


def _file(row: Row) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__slots__})
