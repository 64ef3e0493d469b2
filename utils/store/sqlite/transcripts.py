"""Transcripts in SQLite, written and read line by line.

Blocking, for a thread other than the database's: that one has each line for milliseconds, between the work of
others, while a line is encoded or decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from models import Transcript
from utils.store.sqlite import content_rows as content
from utils.store.sqlite.database import Database
from utils.transcript.lines import read_transcript, write_transcript


def write_lines(database: Database, job_id: str, transcript: Transcript) -> int | None:
    """Write the lines of a job in progress and return how many; nobody reads them until it is completed. None
    if it is no longer in progress."""
    written = 0
    for number, line in enumerate(write_transcript(transcript)):
        add = partial(content.add_line, job_id=job_id, number=number, line=line)
        if not database.run_in_thread(add):
            return None
        written = number + 1
    return written


def read_lines(database: Database, job_id: str, folder: Path) -> Transcript:
    """The transcript of a completed job; a long one is stored in `folder`. Raises ValueError if it is
    unreadable, or deleted meanwhile."""
    return read_transcript(_lines(database, job_id), folder)


def _lines(database: Database, job_id: str) -> Iterator[bytes]:
    for number in count():
        line = database.run_in_thread(partial(content.line, job_id=job_id, number=number))
        if line is None:
            return
        yield line
