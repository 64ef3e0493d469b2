"""The durable stores: named operations, each one transaction, independent of the database behind them.

An operation completes even if its caller is cancelled. All may raise InsufficientStorageError, in which case
nothing was written. Records of another owner are treated as missing: NotFoundError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models import Transcript
from utils.store.records import Batch, BatchError, EnrolledVoice, FileLimits, Job, JobEvent, StoredFile


class JobStore(Protocol):
    """A job is queued, in_progress, then completed, failed or cancelled. Only a job in progress can complete
    or fail, and writes to a deleted job are ignored: a result that arrives after a cancel is dropped."""

    async def check_room(self, limit: int) -> None:
        """Raises OverloadedError when `limit` single jobs are queued or running."""

    async def add(self, job: Job, limit: int, now: float) -> None:
        """Queue a single job. Raises OverloadedError as `check_room` does."""

    async def claim(self, now: float) -> Job | None:
        """The next job in turn, now in progress."""

    async def requeue(self) -> None:
        """Queue again what a previous server left in progress."""

    async def find(self, owner: str, job_id: str) -> Job: ...

    async def report(self, owner: str, job_id: str, folder: Path) -> tuple[Job, str, Transcript | None]:
        """The job, its text so far, and its transcript once completed; a long one is stored in `folder`."""
        ...

    async def checkpoint(self, job_id: str, index: int, result: bytes, samples: tuple[int, int]) -> None:
        """Store the result of a finished chunk; `samples` is how many are done, and the total."""

    async def finished_chunk(self, job_id: str, index: int) -> bytes | None: ...

    async def append_event(self, job_id: str, number: int, event: JobEvent) -> None: ...

    async def count_events(self, job_id: str) -> int:
        """Events are numbered from one."""
        ...

    async def events_after(self, job_id: str, number: int) -> list[tuple[int, str]]:
        """Some of the events after `number`, each with its number."""
        ...

    async def complete(self, job_id: str, transcript: Transcript, now: float, expires: float) -> None: ...

    async def fail(self, job_id: str, error: dict[str, Any], now: float, expires: float) -> None: ...

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
        """Queue its lines as jobs, unless it was cancelled meanwhile."""

    async def reject(self, owner: str, batch_id: str, errors: list[BatchError], now: int) -> None:
        """Fail it, unless it was cancelled meanwhile."""

    async def close(self, owner: str, batch_id: str, now: int) -> tuple[Batch, list[str]]:
        """Make it finalizing, which cannot be cancelled; cancel its unfinished jobs and return their ids."""
        ...

    async def lines(
        self, batch_id: str, after: int, folder: Path
    ) -> list[tuple[int, Job, Transcript | None]]:
        """Some of its jobs in the order of the input, from after the number `after`, each with its number;
        long transcripts are stored in `folder`."""
        ...

    async def finish(self, batch: Batch, outputs: Sequence[StoredFile]) -> None:
        """Store the batch as it ended and its output files; leaves nothing of its jobs in the files."""

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

    async def delete_expired(self, now: float) -> Sequence[str]:
        """The ids of those deleted."""
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
