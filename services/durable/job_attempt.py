"""One run of a job, from its last checkpoint on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from models import Chunk, ChunkPart, ChunkResult, Transcript
from services.chunk_runner import Checkpoints
from utils.store.interface import JobStore
from utils.store.records import Job, JobEvent, StoredChunk
from utils.transcript import codec
from utils.transcript.events import Recognised
from utils.waiting.progress import Progress


class Work(Protocol):
    """What the synchronous endpoint does, for a job."""

    def accept_line(self, endpoint: str, fields: Sequence[tuple[str, str]]) -> str:
        """The fields of a line, validated, as a job stores them. Raises InvalidRequestError or
        StageUnavailableError for what cannot be honoured."""

    def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[JobEvent | Recognised | ChunkResult | Transcript]:
        """Yields events as they happen, the same with or without checkpoints, and the transcript last."""

    def render(self, job: Job, transcript: Transcript) -> tuple[Iterator[bytes], str]:
        """The body in blocks and its media type, in the requested format."""


class StaleCheckpointError(Exception):
    """Another version or other settings wrote it: the events that were shown cannot be continued."""


class JobAttempt:
    """Stores every event in one transaction with what reproduces its text: the result of its chunk or, while
    that is in progress, the part of it that was recognised. A later attempt keeps both, so that what was
    shown once is neither changed nor shown again; events that it repeats are counted and skipped.
    """

    def __init__(
        self, store: JobStore, work: Work, job: Job, progress: Progress, on_stored: Callable[[], None]
    ) -> None:
        self._store = store
        self._work = work
        self._job = job
        self._progress = progress
        self._on_stored = on_stored
        self._shown = 0  # events, by earlier attempts
        self._number = 0  # of the latest event of this attempt
        self._finished: set[int] = set()  # chunks, by earlier attempts
        self._kept_until: dict[int, int] = {}  # how far they had recognised a chunk, in samples
        self._parts: list[ChunkPart] = []  # of the chunk in progress, not stored yet
        self._events: list[JobEvent] = []  # not stored yet

    async def run(self, upload: Path, workspace: Path) -> tuple[Transcript, Sequence[JobEvent]]:
        """The transcript, and the last events, which are to be shown with it. Raises StaleCheckpointError and
        what the pipeline raises."""
        self._shown = await self._store.count_events(self._job.id)
        stream = self._work.stream(self._job, upload, workspace, self._progress, self._stored)
        async with aclosing(stream) as events:
            async for event in events:
                match event:
                    case Transcript():
                        return event, self._events
                    case ChunkResult():
                        await self._finish_chunk(event)
                    case Recognised(chunk, part):
                        await self._add_part(chunk, part)
                    case JobEvent():
                        self._number += 1
                        if self._number > self._shown:
                            self._events.append(event)
        raise RuntimeError("the work ended without a transcript")

    async def _add_part(self, chunk: Chunk, part: ChunkPart) -> None:
        """Store it, unless it has settled no text: then it goes with the next one."""
        if chunk.index in self._finished or part.until <= self._kept_until.get(chunk.index, 0):
            return
        self._parts.append(part)
        if self._events:
            data = await asyncio.to_thread(
                codec.encode_part, chunk, ChunkPart.joined(self._parts, part.until)
            )
            await self._store.add_part(self._job.id, chunk.index, data, self._events)
            self._has_stored()

    async def _finish_chunk(self, result: ChunkResult) -> None:
        if result.chunk.index in self._finished:
            return
        data = await asyncio.to_thread(codec.encode, result)
        samples = (result.chunk.stop, self._progress.total)
        await self._store.finish_chunk(self._job.id, result.chunk.index, data, samples, self._events)
        self._has_stored()

    def _has_stored(self) -> None:
        self._parts, self._events = [], []
        self._on_stored()

    async def _stored(self, chunk: Chunk) -> ChunkResult | ChunkPart | None:
        """What an earlier attempt had of the chunk."""
        stored = await self._store.stored_chunk(self._job.id, chunk.index)
        try:
            found = await asyncio.to_thread(_decoded, stored, chunk)
        except ValueError as error:
            if self._shown:
                raise StaleCheckpointError from error
            return None
        if isinstance(found, ChunkResult):
            self._finished.add(chunk.index)
        elif found:
            self._kept_until[chunk.index] = found.until
        return found


def _decoded(stored: StoredChunk, chunk: Chunk) -> ChunkResult | ChunkPart | None:
    """Raises ValueError if the chunk was cut differently or written by another version."""
    if stored.result is not None:
        result = codec.decode(ChunkResult, stored.result)
        _check_cut(result.chunk, chunk)
        return result
    parts = []
    for data in stored.parts:
        cut, part = codec.decode_part(data)
        _check_cut(cut, chunk)
        parts.append(part)
    return ChunkPart.joined(parts, parts[-1].until) if parts else None


def _check_cut(stored: Chunk, chunk: Chunk) -> None:
    if stored != chunk:
        raise ValueError("the chunk was cut differently")
