"""What must outlive the process: named operations, each one transaction, whichever database is behind them.

An operation is done to its end though its caller be cancelled. All may raise InsufficientStorageError, and
then nothing of it was done. What belongs to somebody else is answered like what is not there, NotFoundError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models import Transcript
from utils.store.records import Batch, BatchError, EnrolledVoice, FileLimits, Job, JobEvent, StoredFile


class JobStore(Protocol):
    """A job is queued, in_progress, then completed, failed or cancelled. Only a job in progress can end, and
    only of one that is there is anything written: what comes after a cancel changes nothing."""

    async def check_room(self, most: int) -> None:
        """Raises OverloadedError when so many single jobs wait or run."""

    async def add(self, job: Job, most: int, now: float) -> None:
        """Queue a single job. Raises OverloadedError as `check_room` does."""

    async def claim(self, now: float) -> Job | None:
        """The job whose turn it is, now in progress."""

    async def requeue(self) -> None:
        """What a server that ended had in progress is queued again."""

    async def find(self, owner: str, job_id: str) -> Job: ...

    async def report(self, owner: str, job_id: str, folder: Path) -> tuple[Job, str, Transcript | None]:
        """The job, its text so far, and its transcript once it is completed; a long one lies in `folder`."""
        ...

    async def checkpoint(self, job_id: str, index: int, result: bytes, samples: tuple[int, int]) -> None:
        """One more chunk is finished; so many samples of how many are done."""

    async def finished_chunk(self, job_id: str, index: int) -> bytes | None: ...

    async def append_event(self, job_id: str, number: int, event: JobEvent) -> None: ...

    async def count_events(self, job_id: str) -> int:
        """Events are numbered from one."""
        ...

    async def events_after(self, job_id: str, number: int) -> list[tuple[int, str]]:
        """Some of the events behind that number, each with its own."""
        ...

    async def complete(self, job_id: str, transcript: Transcript, now: float, expires: float) -> None: ...

    async def fail(self, job_id: str, error: dict[str, Any], now: float, expires: float) -> None: ...

    async def delete(self, owner: str, job_id: str) -> None:
        """Nothing of it is left in the files."""

    async def delete_expired(self, now: float) -> None: ...

    async def unfinished(self) -> frozenset[str]:
        """Ids of the single jobs whose upload is still needed."""
        ...

    async def unparsed(self) -> list[Job]:
        """Some of the jobs that a version before 0.2 kept as the fields of their forms."""
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
        """Raises InvalidRequestError when it is over."""
        ...

    async def due(self, now: float) -> list[tuple[str, int | None, Batch]]:
        """What can go a step further, the oldest first: owner, how long outputs are kept, the batch."""
        ...

    async def start(self, owner: str, batch_id: str, lines: Sequence[Job], now: int) -> None:
        """Its lines become jobs, unless it was cancelled meanwhile."""

    async def reject(self, owner: str, batch_id: str, errors: list[BatchError], now: int) -> None:
        """It fails, unless it was cancelled meanwhile."""

    async def close(self, owner: str, batch_id: str, now: int) -> tuple[Batch, list[str]]:
        """It is finalizing and cannot be cancelled; the jobs that were not over are. Their ids."""
        ...

    async def lines(
        self, batch_id: str, after: int, folder: Path
    ) -> list[tuple[int, Job, Transcript | None]]:
        """Some of its jobs in the order of the input, each with its number, from behind the number `after`;
        long transcripts lie in `folder`."""
        ...

    async def finish(self, batch: Batch, outputs: Sequence[StoredFile]) -> None:
        """The batch as it ended, and its output files; nothing of its jobs is left."""

    async def delete_older(self, created_before: float) -> None:
        """Batches that are over."""


class FileStore(Protocol):
    """What is known of files whose bodies lie elsewhere."""

    async def ids(self, owner: str | None = None) -> frozenset[str]:
        """Of one owner, or of all."""
        ...

    async def check_room(self, new_bytes: int, limits: FileLimits) -> None:
        """Raises InsufficientStorageError when one more file of that size is too much."""

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
    async def enrol(self, voice: EnrolledVoice, most: int) -> EnrolledVoice:
        """Add a voice, or its clips to the one of the same owner, name and network; one of another network
        is replaced. Raises InvalidRequestError when the owner has `most` voices."""
        ...

    async def of_owner(self, owner: str) -> Sequence[EnrolledVoice]:
        """In order of their names."""
        ...

    async def find(self, owner: str, voice_id: str) -> EnrolledVoice: ...

    async def delete(self, owner: str, voice_id: str) -> None:
        """Nothing of it is left in the files."""


class Connected(Protocol):
    async def open(self) -> None:
        """Raises DataFolderError."""

    async def close(self) -> None:
        """Finish what waits, then let the database go."""


@dataclass(frozen=True, slots=True)
class Store:
    connection: Connected
    jobs: JobStore
    batches: BatchStore
    files: FileStore
    voices: VoiceStore
