"""Enrolled voices in SQLite. Each function is part of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Row

from utils.store.records import EnrolledVoice
from utils.store.sqlite.owned_rows import OwnedRows

OWNED = OwnedRows("voices", "speaker", "speaker_id")
FIELDS = "id, owner, name, network, created_at, clips, num_samples, embedding"


def put(connection: Connection, voice: EnrolledVoice) -> None:
    """Insert `voice`, or replace the one with its id."""
    connection.execute(
        f"INSERT OR REPLACE INTO voices ({FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            voice.id,
            voice.owner,
            voice.name,
            voice.network,
            voice.created_at,
            voice.clips,
            voice.num_samples,
            voice.embedding,
        ),
    )


def find_by_name(connection: Connection, owner: str, name: str) -> EnrolledVoice | None:
    row = connection.execute("SELECT * FROM voices WHERE owner = ? AND name = ?", (owner, name)).fetchone()
    return _voice(row) if row else None


def find(connection: Connection, owner: str, voice_id: str) -> EnrolledVoice:
    """Raises NotFoundError, also for the voices of others."""
    return _voice(OWNED.find(connection, owner, voice_id))


def of_owner(connection: Connection, owner: str) -> Sequence[EnrolledVoice]:
    """In order of name."""
    rows = connection.execute("SELECT * FROM voices WHERE owner = ? ORDER BY name", (owner,))
    return [_voice(row) for row in rows]


def count(connection: Connection, owner: str) -> int:
    return int(connection.execute("SELECT count(*) FROM voices WHERE owner = ?", (owner,)).fetchone()[0])


def delete(connection: Connection, owner: str, voice_id: str) -> None:
    """Raises NotFoundError."""
    find(connection, owner, voice_id)
    connection.execute("DELETE FROM voices WHERE id = ?", (voice_id,))


def _voice(row: Row) -> EnrolledVoice:
    return EnrolledVoice(**dict(row))
