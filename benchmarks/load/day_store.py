"""How long the store keeps others waiting while it handles the transcript of a day, or a batch of 50,000."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import note, table
from benchmarks.values import Options
from models import SAMPLE_RATE, Segment, Transcript, Word
from services.durable.batch_lines import MAX_LINES
from utils.store.interface import Store
from utils.store.records import Batch, Job, JobEvent
from utils.store.sqlite.store import sqlite_store
from utils.transcript.segment_log import SegmentLog

TITLE = "The store under a day-long transcript"

SEGMENTS = 21_600  # of 24 hours, four seconds each
WORDS = 10  # in each
JOB = Job("day", owner="", endpoint="", request="")
BATCH = Batch(
    id="large", endpoint="", input_file_id="", completion_window="24h", created_at=0, expires_at=2**31
)

METHOD = f"""\
A store in a temporary folder, without a server. While one operation runs, another caller asks for one small
row again and again; its longest wait is the longest that the database's thread, or the interpreter, was taken
by the operation in one stop. The transcript has {SEGMENTS:,} segments and {SEGMENTS * WORDS:,} words, each
told in an event; the batch has {MAX_LINES:,} lines."""

HEADER = ("operation", "wall s", "longest wait ms", "answered meanwhile")


@dataclass(frozen=True, slots=True)
class Waits:
    seconds: float
    longest: float
    answered: int


def measure(_options: Options) -> str:
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(_measure(Path(folder)))
    return "\n\n".join([METHOD, table(HEADER, rows)])


async def _measure(folder: Path) -> list[tuple[str, ...]]:
    store = sqlite_store(folder / "server.db")
    await store.connection.open()
    try:
        await store.jobs.add(JOB, limit=1, now=0)
        await store.jobs.claim(now=0)
        transcript = _day(folder)
        events = [JobEvent("{}" * 40, segment.text) for segment in transcript.segments]
        lines = [Job(f"line {n}", "", "", "", batch_id=BATCH.id, file_id="") for n in range(MAX_LINES)]
        await store.batches.add("", BATCH, None)
        operations: dict[str, Coroutine[Any, Any, Any]] = {
            "store a day's transcript": store.jobs.complete(JOB.id, transcript, events, 1, 2),
            "read it": store.jobs.report("", JOB.id, folder),
            "delete it": store.jobs.delete("", JOB.id),
            f"queue {MAX_LINES:,} lines": store.batches.start("", BATCH.id, lines, 0),
            "cancel them": store.batches.close("", BATCH.id, 0),
            "delete them": _delete(store),
        }
        return [_row(name, await _waits(store, operation)) for name, operation in operations.items()]
    finally:
        await store.connection.close()


async def _delete(store: Store) -> None:
    await store.batches.finish(BATCH.then(status="cancelled"), [])
    await store.batches.clear()


async def _waits(store: Store, operation: Coroutine[Any, Any, Any]) -> Waits:
    """What another caller waits while the operation runs."""
    started = time.perf_counter()
    task = asyncio.create_task(operation)
    longest, answered = 0.0, 0
    while not task.done():
        asked = time.perf_counter()
        await store.files.ids("nobody")
        longest, answered = max(longest, time.perf_counter() - asked), answered + 1
    await task
    return Waits(time.perf_counter() - started, longest, answered)


def _row(name: str, waits: Waits) -> tuple[str, ...]:
    note(f"{name}: {waits}")
    return name, f"{waits.seconds:.1f}", f"{1000 * waits.longest:.0f}", str(waits.answered)


def _day(folder: Path) -> Transcript:
    segments = SegmentLog(folder, (_segment(4 * SAMPLE_RATE * number) for number in range(SEGMENTS)))
    return Transcript("en", 4 * SAMPLE_RATE * SEGMENTS, segments)


def _segment(start: int) -> Segment:
    words = tuple(
        Word(start + n * 6000, start + n * 6000 + 5000, f" word{n}", 0.987654321, (50_000 + n, 11))
        for n in range(WORDS)
    )
    tokens = tuple(token for word in words for token in word.tokens)
    text = "".join(word.text for word in words)
    return Segment(start, words[-1].stop, text, words, tokens, start, 0.0, -0.234567, 1.45678, 0.0123, 0)
