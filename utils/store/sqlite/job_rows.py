"""The queue of jobs in SQLite: a background transcription, or one line of a batch.

Each function is part of one transaction. A job is queued, in_progress, then completed, failed or cancelled.
Only a job in progress can complete or fail, and writes to a deleted job are ignored, so that a result that
arrives after a cancel is dropped. A job that is `deleted` is missing to its owner; its rows go step by step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Any

from exceptions import OverloadedError
from utils.store.records import Job
from utils.store.sqlite.content_rows import delete_content
from utils.store.sqlite.owned_rows import OwnedRows

UNFINISHED = "status IN ('queued', 'in_progress')"
SINGLE = OwnedRows(
    "(SELECT * FROM jobs WHERE batch_id IS NULL AND status != 'deleted')", "background transcription"
)
PAGE = 10  # jobs in memory at once
STEP = 500  # rows written in one transaction


def add(connection: Connection, jobs: Sequence[Job], now: float) -> None:
    """Queue jobs of one batch, or a single job, behind the waiting ones of the same batch or owner.

    The order is start-time fair queuing (Goyal, Vin and Cheng, 1996) with every job of equal weight: each
    batch, and each owner's single jobs, is a flow, and flows take turns, however many jobs one has queued. A
    flow that comes anew starts at the virtual time, which is the greatest turn ever begun: it does not fall
    back while the server is idle, and what a flow was served before costs it nothing.
    """
    first = connection.execute(
        "SELECT max(virtual_time, coalesce((SELECT max(turn) + 1 FROM jobs"  # noqa: S608
        f" WHERE owner = ? AND batch_id IS ? AND {UNFINISHED}), 0)) FROM queue",
        (jobs[0].owner, jobs[0].batch_id),
    ).fetchone()[0]
    connection.executemany(
        "INSERT INTO jobs (id, owner, endpoint, request, batch_id, custom_id, file_id, turn, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                job.id,
                job.owner,
                job.endpoint,
                job.request,
                job.batch_id,
                job.custom_id,
                job.file_id,
                turn,
                int(now),
            )
            for turn, job in enumerate(jobs, start=first)
        ),
    )


def check_room(connection: Connection, limit: int) -> None:
    """Raises OverloadedError when `limit` single jobs are queued or running."""
    unfinished = connection.execute(
        f"SELECT count(*) FROM jobs WHERE batch_id IS NULL AND {UNFINISHED}"  # noqa: S608
    ).fetchone()[0]
    if unfinished >= limit:
        raise OverloadedError(
            f"This server has {limit} unfinished background transcriptions, its limit; try again later."
        )


def claim(connection: Connection, now: float) -> Job | None:
    """The next job in turn, now in progress."""
    row = connection.execute(
        "UPDATE jobs SET status = 'in_progress', starts = starts + 1, started_at = coalesce(started_at, ?)"
        " WHERE number = (SELECT number FROM jobs WHERE status = 'queued' ORDER BY turn, number LIMIT 1)"
        " RETURNING *",
        (now,),
    ).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE queue SET virtual_time = max(virtual_time, ?)", (row["turn"],))
    return _job(row)


def requeue(connection: Connection) -> None:
    """Queue again what a previous server left in progress."""
    connection.execute("UPDATE jobs SET status = 'queued' WHERE status = 'in_progress'")


def release(connection: Connection) -> None:
    """Queue again what is in progress: the server stops on purpose, and that is no crash."""
    connection.execute(
        "UPDATE jobs SET status = 'queued', starts = max(0, starts - 1) WHERE status = 'in_progress'"
    )


def put_back(connection: Connection, job_id: str) -> None:
    """Queue again a job in progress that was held up. It had its turn, so it takes a later one: else many
    that are held up would leave none to the others."""
    connection.execute(
        "UPDATE jobs SET status = 'queued', starts = max(0, starts - 1),"
        " turn = (SELECT virtual_time + 1 FROM queue) WHERE status = 'in_progress' AND id = ?",
        (job_id,),
    )


def find(connection: Connection, owner: str, job_id: str) -> Job:
    """A single job. Raises NotFoundError, also for the jobs of others."""
    return _job(SINGLE.find(connection, owner, job_id))


def complete(connection: Connection, job_id: str, num_samples: int, now: float, expires: float) -> bool:
    """Whether it was in progress."""
    if not _end(connection, "completed", job_id, now, expires):
        return False
    connection.execute(
        "UPDATE jobs SET samples_done = ?, samples_total = ? WHERE id = ?", (num_samples, num_samples, job_id)
    )
    return True


def fail(connection: Connection, job_id: str, error: dict[str, Any], now: float, expires: float) -> None:
    if _end(connection, "failed", job_id, now, expires):
        connection.execute("UPDATE jobs SET error = ? WHERE id = ?", (json.dumps(error), job_id))


def cancel_some(connection: Connection, batch_id: str, now: float) -> list[str]:
    """Cancel some of its unfinished jobs; returns their ids."""
    rows = connection.execute(
        "UPDATE jobs SET status = 'cancelled', finished_at = ? WHERE number IN (SELECT number FROM jobs"  # noqa: S608
        f" WHERE batch_id = ? AND {UNFINISHED} LIMIT ?) RETURNING id",
        (now, batch_id, STEP),
    )
    return [row["id"] for row in rows]


def of_batch(connection: Connection, batch_id: str, after: int) -> list[tuple[int, Job]]:
    """Some of its jobs in the order of the input, from after the number `after`, each with its number."""
    rows = connection.execute(
        "SELECT * FROM jobs WHERE batch_id = ? AND number > ? ORDER BY number LIMIT ?",
        (batch_id, after, PAGE),
    )
    return [(row["number"], _job(row)) for row in rows]


def count_of_batch(connection: Connection, batch_id: str) -> int:
    return int(connection.execute("SELECT count(*) FROM jobs WHERE batch_id = ?", (batch_id,)).fetchone()[0])


def mark_deleted(connection: Connection, owner: str, job_id: str) -> None:
    """Raises NotFoundError."""
    find(connection, owner, job_id)
    connection.execute("UPDATE jobs SET status = 'deleted' WHERE id = ?", (job_id,))


def mark_expired(connection: Connection, now: float) -> bool:
    """Whether there are any jobs to delete."""
    connection.execute(
        "UPDATE jobs SET status = 'deleted' WHERE batch_id IS NULL AND expires_at <= ?", (now,)
    )
    return a_deleted(connection) is not None


def a_deleted(connection: Connection) -> str | None:
    """The id of some job to delete."""
    row = connection.execute("SELECT id FROM jobs WHERE status = 'deleted' LIMIT 1").fetchone()
    return row["id"] if row else None


def a_line_of(connection: Connection, batch_id: str) -> str | None:
    """The id of some job of a batch."""
    row = connection.execute("SELECT id FROM jobs WHERE batch_id = ? LIMIT 1", (batch_id,)).fetchone()
    return row["id"] if row else None


def delete_some(connection: Connection, job_id: str | None) -> bool:
    """Delete some of a job and its content, at last the row itself. Whether there was a job at all."""
    if job_id is None:
        return False
    if not delete_content(connection, job_id):
        connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
    return True


def unfinished(connection: Connection) -> frozenset[str]:
    """Ids of the single jobs whose upload is still needed."""
    rows = connection.execute(f"SELECT id FROM jobs WHERE batch_id IS NULL AND {UNFINISHED}")  # noqa: S608
    return frozenset(row["id"] for row in rows)


def unparsed(connection: Connection) -> list[Job]:
    """Some of the jobs with form fields of version 0.1, a list of pairs; accepted requests are objects."""
    rows = connection.execute(
        "SELECT * FROM jobs WHERE request LIKE '[[%' AND status IN ('queued', 'in_progress', 'completed')"
        " LIMIT ?",
        (PAGE,),
    )
    return [_job(row) for row in rows]


def set_request(connection: Connection, job_id: str, request: str) -> None:
    connection.execute("UPDATE jobs SET request = ? WHERE id = ?", (request, job_id))


def reject(connection: Connection, job_id: str, error: dict[str, Any]) -> None:
    connection.execute(
        "UPDATE jobs SET status = 'failed', request = '', error = ? WHERE id = ?", (json.dumps(error), job_id)
    )


def _end(connection: Connection, status: str, job_id: str, now: float, expires: float) -> bool:
    """Whether it was in progress."""
    ended = connection.execute(
        "UPDATE jobs SET status = ?, finished_at = ?, expires_at = ? WHERE id = ? AND status = 'in_progress'",
        (status, now, expires, job_id),
    )
    return ended.rowcount > 0


def _job(row: Row) -> Job:
    values = {name: row[name] for name in Job.__slots__}
    values["error"] = json.loads(row["error"]) if row["error"] else None
    return Job(**values)
