"""What jobs have produced, in SQLite: checkpoints, events, and the lines of transcripts.

Each function is part of one transaction. Only a job in progress takes checkpoints and events.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from exceptions import InvalidRequestError
from utils.store.records import JobEvent, StoredChunk

EVENTS_AT_ONCE = 100
DELTAS_AT_ONCE = 2000
IN_PROGRESS = "FROM jobs WHERE id = ? AND status = 'in_progress'"
# Tables with content of a job, the columns of their keys, and how many of their rows are deleted at once.
# Checkpoints go last: what lacks only some of the others is then known to be stale still.
CONTENT = (
    ("lines", "job_id, number", 4),
    ("events", "job_id, number", 500),
    ("parts", 'job_id, "index", number', 100),
    ("chunks", 'job_id, "index"', 4),
)
CHECKPOINTS = CONTENT[2:]


def add_chunk(connection: Connection, job_id: str, index: int, result: bytes) -> None:
    """Its parts are deleted: the result replaces them."""
    connection.execute(
        f"INSERT OR REPLACE INTO chunks SELECT id, ?, ? {IN_PROGRESS}",
        (index, result, job_id),
    )
    connection.execute('DELETE FROM parts WHERE job_id = ? AND "index" = ?', (job_id, index))


def add_part(connection: Connection, job_id: str, index: int, part: bytes) -> None:
    connection.execute(
        "INSERT INTO parts SELECT id, ?,"  # noqa: S608
        ' (SELECT coalesce(max(number), 0) + 1 FROM parts WHERE job_id = jobs.id AND "index" = ?),'
        f" ? {IN_PROGRESS}",
        (index, index, part, job_id),
    )


def set_progress(connection: Connection, job_id: str, samples: tuple[int, int]) -> None:
    connection.execute("UPDATE jobs SET samples_done = ?, samples_total = ? WHERE id = ?", (*samples, job_id))


def stored_chunk(connection: Connection, job_id: str, index: int) -> StoredChunk:
    chunk = connection.execute(
        'SELECT result FROM chunks WHERE job_id = ? AND "index" = ?', (job_id, index)
    ).fetchone()
    parts = connection.execute(
        'SELECT part FROM parts WHERE job_id = ? AND "index" = ? ORDER BY number', (job_id, index)
    )
    return StoredChunk(chunk["result"] if chunk else None, tuple(row["part"] for row in parts))


def stage_events(connection: Connection, job_id: str, first: int, events: Sequence[JobEvent]) -> None:
    """Write events behind those that are shown, from the `first`th on; `show_events` shows them."""
    connection.executemany(
        f"INSERT OR REPLACE INTO events SELECT id, last_event + ?, ?, ? {IN_PROGRESS}",
        ((number, event.data, event.delta, job_id) for number, event in enumerate(events, start=first)),
    )


def show_events(connection: Connection, job_id: str, count: int) -> None:
    """Show the next `count` events, which have been staged."""
    connection.execute(
        "UPDATE jobs SET last_event = last_event + ? WHERE id = ? AND status = 'in_progress'", (count, job_id)
    )


def append_events(connection: Connection, job_id: str, events: Sequence[JobEvent]) -> None:
    stage_events(connection, job_id, 1, events)
    show_events(connection, job_id, len(events))


def count_events(connection: Connection, job_id: str) -> int:
    """Of those that are shown."""
    row = connection.execute(
        "SELECT count(*) FROM events WHERE job_id = ?"
        " AND number <= (SELECT last_event FROM jobs WHERE id = ?)",
        (job_id, job_id),
    ).fetchone()
    return int(row[0])


def events_after(connection: Connection, job_id: str, after: int) -> list[tuple[int, str]]:
    """Some of the events after the number `after`, each with its number. Raises InvalidRequestError if those
    up to there were discarded: what follows does not continue them."""
    first = connection.execute("SELECT min(number) FROM events WHERE job_id = ?", (job_id,)).fetchone()[0]
    last = connection.execute("SELECT last_event FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if last and 0 < after <= last[0] and (first is None or after < first):
        raise InvalidRequestError(
            "The transcription was started anew; read its events from the start.", param="Last-Event-ID"
        )
    rows = connection.execute(
        "SELECT number, data FROM events WHERE job_id = ? AND number > ? AND number <= ?"
        " ORDER BY number LIMIT ?",
        (job_id, after, last[0] if last else 0, EVENTS_AT_ONCE),
    )
    return [(row["number"], row["data"]) for row in rows]


def deltas_after(connection: Connection, job_id: str, after: int) -> list[tuple[int, str]]:
    """Some pieces of its text so far, from after the event `after`, each with the number of its event."""
    rows = connection.execute(
        "SELECT number, delta FROM events WHERE job_id = ? AND number > ?"
        " AND number <= (SELECT last_event FROM jobs WHERE id = ?) ORDER BY number LIMIT ?",
        (job_id, after, job_id, DELTAS_AT_ONCE),
    )
    return [(row["number"], row["delta"]) for row in rows]


def add_line(connection: Connection, job_id: str, number: int, line: bytes) -> bool:
    """Write a line of the transcript. Whether the job is in progress, else nothing is written."""
    written = connection.execute(
        f"INSERT OR REPLACE INTO lines SELECT id, ?, ? {IN_PROGRESS}",
        (number, line, job_id),
    )
    return written.rowcount > 0


def drop_lines(connection: Connection, job_id: str, first: int) -> None:
    """Delete the lines from the number `first` on, which another attempt has left."""
    connection.execute("DELETE FROM lines WHERE job_id = ? AND number >= ?", (job_id, first))


def line(connection: Connection, job_id: str, number: int) -> bytes | None:
    row = connection.execute(
        "SELECT line FROM lines WHERE job_id = ? AND number = ?", (job_id, number)
    ).fetchone()
    return row["line"] if row else None


def delete_checkpoints(connection: Connection, job_id: str) -> bool:
    """Delete some; whether there may be more."""
    return _delete_some(connection, job_id, CHECKPOINTS)


def delete_content(connection: Connection, job_id: str) -> bool:
    """Delete some of all there is of a job; whether there may be more."""
    return _delete_some(connection, job_id, CONTENT)


def delete_left_checkpoints(connection: Connection) -> bool:
    """Delete some checkpoints of a job that has ended, which a crash left; whether there were any."""
    row = connection.execute(
        "SELECT id FROM jobs WHERE id IN (SELECT job_id FROM chunks UNION SELECT job_id FROM parts)"
        " AND status NOT IN ('queued', 'in_progress') LIMIT 1"
    ).fetchone()
    if row:
        delete_checkpoints(connection, row["id"])
    return row is not None


def _delete_some(connection: Connection, job_id: str, tables: Sequence[tuple[str, str, int]]) -> bool:
    for table, key, limit in tables:
        deleted = connection.execute(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE job_id = ? LIMIT ?)",  # noqa: S608
            (job_id, limit),
        )
        if deleted.rowcount == limit:
            return True
    return False
