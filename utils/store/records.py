"""Stored records, independent of SQL. Times are Unix seconds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from models import Embedding


@dataclass(frozen=True, slots=True)
class Job:
    """`request` is the accepted request, as `services/requests/accepted.py` serialises it; `file_id` names a
    stored file, else the upload was spooled. `starts` counts those that a crash of the server may have ended;
    times are Unix seconds."""

    id: str
    owner: str
    endpoint: str
    request: str
    batch_id: str | None = None
    custom_id: str = ""
    file_id: str | None = None
    status: str = "queued"
    starts: int = 0
    created_at: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    samples_done: int = 0
    samples_total: int = 0
    error: dict[str, Any] | None = None


def new_job_id() -> str:
    """Of a background transcription."""
    return f"transcription_{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event as sent over the wire, and the text that it adds."""

    data: str
    delta: str = ""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """The encoded result of a chunk or, where it is not finished, its parts so far."""

    result: bytes | None = None
    parts: tuple[bytes, ...] = ()


class BatchError(BaseModel):
    """An error in a line of the input; lines are counted from one."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


class BatchErrors(BaseModel):
    object: Literal["list"] = "list"
    data: list[BatchError]


class Counts(BaseModel):
    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(BaseModel):
    """As in the official client's type; times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    input_file_id: str
    completion_window: str
    metadata: dict[str, str] | None = None
    status: str = "validating"
    errors: BatchErrors | None = None
    created_at: int
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    expires_at: int
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: Counts = Counts()

    def then(self, **changes: Any) -> Batch:
        return self.model_copy(update=changes)

    @property
    def is_live(self) -> bool:
        return self.status in ("validating", "in_progress", "finalizing", "cancelling")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of one owner; times are Unix seconds."""

    id: str
    owner: str
    filename: str
    purpose: str
    bytes: int
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class FileLimits:
    """For all owners together."""

    max_bytes: int
    max_files: int


@dataclass(frozen=True, slots=True)
class EnrolledVoice:
    """A voice of one owner: the mean embedding, by `network`, over the speech of all clips, which is
    `num_samples` long. No audio is stored."""

    id: str
    owner: str
    name: str
    network: str
    created_at: int
    clips: int
    num_samples: int
    embedding: Embedding
