"""Jobs and their checkpoints in SQLite: a background transcription, or one line of a batch.

Each function is part of one transaction. A job is queued, in_progress, then completed, failed or cancelled.
Only a job in progress can complete or fail, and writes to a deleted job are ignored, so that a result that
arrives after a cancel is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any

from exceptions import OverloadedError
from models import Transcript
from utils.store.records import Job, JobEvent
from utils.store.sqlite.owned_rows import OwnedRows
from utils.transcript.lines import read_transcript, write_transcript

SINGLE = OwnedRows("(SELECT * FROM jobs WHERE batch_id IS NULL)", "background transcription")
EVENTS_AT_ONCE = 100
PAGE = 10  # jobs in memory at once


def add(connection: Connection, jobs: Iterable[Job], now: float) -> None:
    """Queue the jobs of one batch, or a single job, behind those of the same batch or owner.

    The order is start-time fair queuing (Goyal, Vin and Cheng, 1996) with every job of equal weight: each
    batch, and each owner's single jobs, take turns, however many jobs another has queued.
    """
    for job in jobs:
        turn = connection.execute(
            "SELECT max(coalesce((SELECT min(turn) FROM jobs WHERE status IN ('queued', 'in_progress')), 0),"
            " coalesce((SELECT max(turn) + 1 FROM jobs WHERE owner = ? AND batch_id IS ?), 0))",
            (job.owner, job.batch_id),
        ).fetchone()[0]
        connection.execute(
            "INSERT INTO jobs (id, owner, endpoint, request, batch_id, custom_id, file_id, turn, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            ),
        )


def check_room(connection: Connection, limit: int) -> None:
    """Raises OverloadedError when `limit` single jobs are queued or running."""
    unfinished = connection.execute(
        "SELECT count(*) FROM jobs WHERE batch_id IS NULL AND status IN ('queued', 'in_progress')"
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
    return _job(row) if row else None


def requeue(connection: Connection) -> None:
    """Queue again what a previous server left in progress."""
    connection.execute("UPDATE jobs SET status = 'queued' WHERE status = 'in_progress'")


def find(connection: Connection, owner: str, job_id: str) -> Job:
    """A single job. Raises NotFoundError, also for the jobs of others."""
    return _job(SINGLE.find(connection, owner, job_id))


def checkpoint(
    connection: Connection, job_id: str, index: int, result: bytes, samples: tuple[int, int]
) -> None:
    """Store the result of a finished chunk; `samples` is how many are done, and the total."""
    connection.execute(
        "INSERT OR REPLACE INTO chunks SELECT id, ?, ? FROM jobs WHERE id = ?", (index, result, job_id)
    )
    connection.execute(
        "UPDATE jobs SET starts = 0, samples_done = ?, samples_total = ? WHERE id = ?", (*samples, job_id)
    )


def finished_chunk(connection: Connection, job_id: str, index: int) -> bytes | None:
    row = connection.execute(
        'SELECT result FROM chunks WHERE job_id = ? AND "index" = ?', (job_id, index)
    ).fetchone()
    return row["result"] if row else None


def append_event(connection: Connection, job_id: str, number: int, event: JobEvent) -> None:
    connection.execute(
        "INSERT INTO events SELECT id, ?, ?, ? FROM jobs WHERE id = ?",
        (number, event.data, event.delta, job_id),
    )


def count_events(connection: Connection, job_id: str) -> int:
    """Events are numbered from one."""
    return int(connection.execute("SELECT count(*) FROM events WHERE job_id = ?", (job_id,)).fetchone()[0])


def events_after(connection: Connection, job_id: str, after: int) -> list[tuple[int, str]]:
    """Some of the events after the number `after`, each with its number."""
    rows = connection.execute(
        "SELECT number, data FROM events WHERE job_id = ? AND number > ? ORDER BY number LIMIT ?",
        (job_id, after, EVENTS_AT_ONCE),
    )
    return [(row["number"], row["data"]) for row in rows]


def text_so_far(connection: Connection, job_id: str) -> str:
    rows = connection.execute("SELECT delta FROM events WHERE job_id = ? ORDER BY number", (job_id,))
    return "".join(row["delta"] for row in rows)


def complete(connection: Connection, job_id: str, transcript: Transcript, now: float, expires: float) -> None:
    if not _end(connection, "completed", job_id, now, expires):
        return
    samples = transcript.num_samples
    connection.execute(
        "UPDATE jobs SET samples_done = ?, samples_total = ? WHERE id = ?", (samples, samples, job_id)
    )
    lines = ((job_id, number, line) for number, line in enumerate(write_transcript(transcript)))
    connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", lines)


def transcript(connection: Connection, job: Job, folder: Path) -> Transcript | None:
    """That of a completed job; a long one is stored in `folder`."""
    if job.status != "completed":
        return None
    rows = connection.execute("SELECT line FROM lines WHERE job_id = ? ORDER BY number", (job.id,))
    return read_transcript((row["line"] for row in rows), folder)


def fail(connection: Connection, job_id: str, error: dict[str, Any], now: float, expires: float) -> None:
    if _end(connection, "failed", job_id, now, expires):
        connection.execute("UPDATE jobs SET error = ? WHERE id = ?", (json.dumps(error), job_id))


def cancel_batch(connection: Connection, batch_id: str, now: float) -> list[str]:
    """Cancel its unfinished jobs; returns their ids."""
    rows = connection.execute(
        "UPDATE jobs SET status = 'cancelled', finished_at = ?"
        " WHERE batch_id = ? AND status IN ('queued', 'in_progress') RETURNING id",
        (now, batch_id),
    )
    return [row["id"] for row in rows]


def of_batch(
    connection: Connection, batch_id: str, after: int, folder: Path
) -> list[tuple[int, Job, Transcript | None]]:
    """Some of its jobs in the order of the input, from after the number `after`, each with its number and
    transcript; long transcripts are stored in `folder`."""
    rows = connection.execute(
        "SELECT * FROM jobs WHERE batch_id = ? AND number > ? ORDER BY number LIMIT ?",
        (batch_id, after, PAGE),
    )
    jobs = [(row["number"], _job(row)) for row in rows]
    return [(number, job, transcript(connection, job, folder)) for number, job in jobs]


def delete_batch(connection: Connection, batch_id: str) -> None:
    connection.execute("DELETE FROM jobs WHERE batch_id = ?", (batch_id,))


def delete(connection: Connection, job_id: str) -> None:
    connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))


def delete_expired(connection: Connection, now: float) -> None:
    connection.execute("DELETE FROM jobs WHERE batch_id IS NULL AND expires_at <= ?", (now,))


def unfinished(connection: Connection) -> frozenset[str]:
    """Ids of the single jobs whose upload is still needed."""
    rows = connection.execute(
        "SELECT id FROM jobs WHERE batch_id IS NULL AND status IN ('queued', 'in_progress')"
    )
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
    """Whether it was in progress. Its checkpoints are deleted: the transcript or error replaces them."""
    ended = connection.execute(
        "UPDATE jobs SET status = ?, finished_at = ?, expires_at = ? WHERE id = ? AND status = 'in_progress'",
        (status, now, expires, job_id),
    )
    if ended.rowcount:
        connection.execute("DELETE FROM chunks WHERE job_id = ?", (job_id,))
    return ended.rowcount > 0


def _job(row: Row) -> Job:
    values = {name: row[name] for name in Job.__slots__}
    values["error"] = json.loads(row["error"]) if row["error"] else None
    return Job(**values)
