"""Batches in SQLite. Each function is part of one transaction; the lines of a batch are jobs."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Row

from exceptions import OverloadedError
from utils.store.records import Batch, Counts
from utils.store.sqlite.owned_rows import OwnedRows

OWNED = OwnedRows("batches", "batch", "batch_id")
MAX_LIVE = 1000  # unfinished batches of all owners
LIVE_STATUSES = ("validating", "in_progress", "finalizing", "cancelling")
LIVE = f"status IN {LIVE_STATUSES}"


def add(connection: Connection, owner: str, batch: Batch, output_seconds: int | None) -> None:
    """Raises OverloadedError."""
    live = connection.execute(f"SELECT count(*) FROM batches WHERE {LIVE}").fetchone()[0]  # noqa: S608
    if live >= MAX_LIVE:
        raise OverloadedError(f"This server has {MAX_LIVE} unfinished batches, its limit; try again later.")
    connection.execute(
        "INSERT INTO batches (id, owner, status, output_seconds, document) VALUES (?, ?, ?, ?, ?)",
        (batch.id, owner, batch.status, output_seconds, batch.model_dump_json()),
    )


def save(connection: Connection, batch: Batch) -> None:
    connection.execute(
        "UPDATE batches SET status = ?, document = ? WHERE id = ?",
        (batch.status, batch.model_dump_json(), batch.id),
    )


def find(connection: Connection, owner: str, batch_id: str) -> Batch:
    """Raises NotFoundError, also for the batches of others."""
    return _batch(connection, OWNED.find(connection, owner, batch_id))


def page(connection: Connection, owner: str, after: str | None, limit: int) -> Sequence[Batch]:
    """The newest first. Raises InvalidRequestError when there is no batch `after`."""
    rows = connection.execute(
        "SELECT * FROM batches WHERE owner = :owner AND (:start IS NULL OR number < :start)"
        " ORDER BY number DESC LIMIT :limit",
        {"owner": owner, "start": OWNED.page_start(connection, owner, after), "limit": limit},
    ).fetchall()
    return [_batch(connection, row) for row in rows]


def due(connection: Connection, now: float) -> list[tuple[str, int | None, Batch]]:
    """Batches ready for their next step, oldest first: owner, retention of outputs in seconds, batch."""
    rows = connection.execute(
        f"SELECT * FROM batches WHERE {LIVE} AND (status IN ('validating', 'cancelling')"  # noqa: S608
        " OR json_extract(document, '$.expires_at') <= ? OR NOT EXISTS (SELECT 1 FROM jobs"
        " WHERE batch_id = batches.id AND status IN ('queued', 'in_progress'))) ORDER BY number",
        (now,),
    )
    return [(row["owner"], row["output_seconds"], Batch.model_validate_json(row["document"])) for row in rows]


def an_ended_with_lines(connection: Connection) -> str | None:
    """The id of some ended batch whose jobs a crash left."""
    row = connection.execute(
        f"SELECT id FROM batches WHERE NOT {LIVE}"  # noqa: S608
        " AND EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id) LIMIT 1"
    ).fetchone()
    return row["id"] if row else None


def delete_older(connection: Connection, created_before: float) -> None:
    """Delete ended batches created before then."""
    connection.execute(
        f"DELETE FROM batches WHERE NOT {LIVE} AND json_extract(document, '$.created_at') < ?",  # noqa: S608
        (created_before,),
    )


def _batch(connection: Connection, row: Row) -> Batch:
    """The counts of an unfinished batch are taken from its jobs."""
    batch = Batch.model_validate_json(row["document"])
    if not batch.is_live:
        return batch
    counted = connection.execute(
        "SELECT status, count(*) FROM jobs WHERE batch_id = ? GROUP BY status", (batch.id,)
    )
    counts: dict[str, int] = dict(tuple(pair) for pair in counted)
    return batch.then(
        request_counts=Counts(
            total=sum(counts.values()), completed=counts.get("completed", 0), failed=counts.get("failed", 0)
        )
    )
