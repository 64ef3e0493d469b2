"""The durable stores: named operations, independent of the database behind them.

An operation takes effect as a whole or not at all: what takes long is prepared and cleared away in pieces,
but seen at once. All may raise InsufficientStorageError, in which case they had no effect, and
DataFolderError. Records of another owner are treated as missing: NotFoundError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models import Transcript
from utils.store.records import (
    Batch,
    BatchError,
    EnrolledVoice,
    FileLimits,
    Job,
    JobEvent,
    StoredChunk,
    StoredFile,
)


class JobStore(Protocol):
    """A job is queued, in_progress, then completed, failed or cancelled. Only a job in progress takes
    checkpoints and events, completes or fails; a result that arrives after a cancel is dropped."""

    async def check_room(self, limit: int) -> None:
        """Raises OverloadedError when `limit` single jobs are queued or running."""

    async def add(self, job: Job, limit: int, now: float) -> None:
        """Queue a single job. Raises OverloadedError as `check_room` does."""

    async def claim(self, now: float) -> Job | None:
        """The next job in turn, now in progress."""

    async def requeue(self) -> None:
        """Queue again what a server that crashed left in progress."""

    async def release(self) -> None:
        """Queue again what is in progress, as the server stops on purpose; no start is counted."""

    async def put_back(self, job_id: str) -> None:
        """Queue again a job that was held up, behind those whose turn it is; no start is counted."""

    async def find(self, owner: str, job_id: str) -> Job: ...

    async def report(self, owner: str, job_id: str, folder: Path) -> tuple[Job, str, Transcript | None]:
        """The job, its text so far, and its transcript once completed; a long one is stored in `folder`."""
        ...

    async def finish_chunk(
        self, job_id: str, index: int, result: bytes, samples: tuple[int, int], events: Sequence[JobEvent]
    ) -> None:
        """Store the result of a chunk and show the events that it brings; `samples` is how many are done, and
        the total."""

    async def add_part(self, job_id: str, index: int, part: bytes, events: Sequence[JobEvent]) -> None:
        """Store the next part of a chunk in progress and show the events that it brings."""

    async def stored_chunk(self, job_id: str, index: int) -> StoredChunk: ...

    async def restart(self, job_id: str) -> None:
        """Discard its checkpoints and events, which another version or setting cannot continue."""

    async def count_events(self, job_id: str) -> int:
        """How many events are shown, less those discarded."""
        ...

    async def events_after(self, job_id: str, number: int) -> list[tuple[int, str]]:
        """Some of the events after `number`, each with its number; numbers ascend. Raises InvalidRequestError
        when the event `number` was discarded."""
        ...

    async def complete(
        self, job_id: str, transcript: Transcript, events: Sequence[JobEvent], now: float, expires: float
    ) -> None:
        """Complete it and show its last events."""

    async def fail(
        self,
        job_id: str,
        error: dict[str, Any],
        events: Sequence[JobEvent],
        now: float,
        expires: float,
    ) -> None:
        """Fail it and show its last events."""

    async def delete(self, owner: str, job_id: str) -> None:
        """Leaves nothing of it in the files."""

    async def delete_expired(self, now: float) -> None: ...

    async def unfinished(self) -> frozenset[str]:
        """Ids of the single jobs whose upload is still needed."""
        ...

    async def unparsed(self) -> list[Job]:
        """Some of the jobs that a version before 0.2 stored as form fields."""
        ...

    async def set_request(self, job_id: str, request: str) -> None: ...

    async def reject(self, job_id: str, error: dict[str, Any]) -> None:
        """Fail a job that cannot be run, whatever its state."""


class BatchStore(Protocol):
    """The lines of a batch are jobs."""

    async def add(self, owner: str, batch: Batch, output_seconds: int | None) -> None:
        """Raises OverloadedError."""

    async def find(self, owner: str, batch_id: str) -> Batch: ...

    async def page(self, owner: str, after: str | None, limit: int) -> Sequence[Batch]:
        """The newest first. Raises InvalidRequestError when there is no batch `after`."""
        ...

    async def cancel(self, owner: str, batch_id: str, now: int) -> Batch:
        """Raises InvalidRequestError when it is finalizing or has ended."""
        ...

    async def due(self, now: float) -> list[tuple[str, int | None, Batch]]:
        """Batches ready for their next step, oldest first: owner, retention of outputs in seconds, batch."""
        ...

    async def start(self, owner: str, batch_id: str, lines: Sequence[Job], now: int) -> None:
        """Queue its lines as jobs, unless it was cancelled meanwhile; the first ones may already run then. A
        start that was cut short goes on after the last line that was queued."""

    async def reject(self, owner: str, batch_id: str, errors: list[BatchError], now: int) -> None:
        """Fail it in validation, unless it was cancelled meanwhile."""

    async def fail(self, owner: str, batch_id: str, error: BatchError, now: int) -> None:
        """Fail it, whatever its step, unless it has ended."""

    async def close(self, owner: str, batch_id: str, now: int) -> tuple[Batch, list[str]]:
        """Make it finalizing, which cannot be cancelled; cancel its unfinished jobs and return their ids."""
        ...

    async def lines(self, batch_id: str, after: int) -> list[tuple[int, Job]]:
        """Some of its jobs in the order of the input, from after the number `after`, each with its number."""
        ...

    async def transcript(self, job: Job, folder: Path) -> Transcript | None:
        """That of a completed job; a long one is stored in `folder`. Raises ValueError if unreadable."""
        ...

    async def finish(self, batch: Batch, outputs: Sequence[StoredFile]) -> None:
        """Store the batch as it ended and its output files."""

    async def clear(self) -> None:
        """Delete the jobs of ended batches; leaves nothing of them in the files."""

    async def delete_older(self, created_before: float) -> None:
        """Delete ended batches created before then."""


class FileStore(Protocol):
    """Metadata of files whose bodies are stored elsewhere."""

    async def ids(self, owner: str | None = None) -> frozenset[str]:
        """Those of one owner, or all."""
        ...

    async def check_room(self, new_bytes: int, limits: FileLimits) -> None:
        """Raises InsufficientStorageError when one more file of that size exceeds the limits."""

    async def add(self, file: StoredFile, limits: FileLimits) -> None:
        """Raises InsufficientStorageError as `check_room` does."""

    async def find(self, owner: str, file_id: str) -> StoredFile: ...

    async def page(
        self, owner: str, purpose: str | None, after: str | None, is_descending: bool, limit: int
    ) -> Sequence[StoredFile]:
        """In order of creation. Raises InvalidRequestError when there is no file `after`."""
        ...

    async def delete(self, owner: str, file_id: str) -> None: ...

    async def expired(self, now: float) -> Sequence[tuple[str, str]]:
        """Owner and id of those that have expired and are still there."""
        ...


class VoiceStore(Protocol):
    async def enrol(self, voice: EnrolledVoice, limit: int) -> EnrolledVoice:
        """Add a voice, or merge it into that of the same owner, name and network; one of another network is
        replaced. Raises InvalidRequestError when the owner has `limit` voices."""
        ...

    async def of_owner(self, owner: str) -> Sequence[EnrolledVoice]:
        """In order of name."""
        ...

    async def find(self, owner: str, voice_id: str) -> EnrolledVoice: ...

    async def delete(self, owner: str, voice_id: str) -> None:
        """Leaves nothing of it in the files."""


class StoreConnection(Protocol):
    async def open(self) -> None:
        """Raises DataFolderError."""

    async def close(self) -> None:
        """Finish the queued operations, then release the database."""


@dataclass(frozen=True, slots=True)
class Store:
    connection: StoreConnection
    jobs: JobStore
    batches: BatchStore
    files: FileStore
    voices: VoiceStore
