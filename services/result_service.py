"""Computes each transcript once: identical requests join a running one, finished ones are cached."""

from __future__ import annotations

import hashlib
import logging
from asyncio import to_thread
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from models import Chunk, ChunkResult, Transcript
from options import TranscriptionOptions
from services.transcription import TranscriptionService, transcript_of
from utils.store.chunk_cache import ChunkCache
from utils.store.result_cache import ResultCache
from utils.temp_manager import TempManager
from utils.transcript import codec
from utils.transcript.events import Event, Finished, events_of
from utils.transcript.lines import read_transcript, write_transcript
from utils.waiting.concurrency import finish_in_thread, in_thread
from utils.waiting.progress import Progress
from utils.waiting.single_flight import SingleFlight
from utils.waiting.turns import current_progress

logger = logging.getLogger(__name__)

OPTIONS = TypeAdapter(tuple[TranscriptionOptions], config=codec.EXACT)


class CacheStatus(StrEnum):
    """Where a result came from; sent as the `x-cache` header."""

    HIT = "hit"
    JOINED = "joined"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Recording:
    """An upload: the file, its SHA-256 and its owner."""

    path: Path
    digest: str
    owner: str


class ResultService:
    def __init__(
        self,
        transcription: TranscriptionService,
        temp: TempManager,
        cache: ResultCache,
        fingerprint: str,
        abandoned_seconds: float,
        max_abandoned: int,
    ) -> None:
        """`fingerprint` identifies everything else a result depends on: models, settings, the code itself."""
        self._transcription = transcription
        self._temp = temp
        self._cache = cache
        self._fingerprint = fingerprint
        self._flights = SingleFlight[tuple[Transcript, CacheStatus]](abandoned_seconds, max_abandoned)

    async def transcribe(
        self, recording: Recording, options: TranscriptionOptions, progress: Progress
    ) -> tuple[Transcript, CacheStatus]:
        """As TranscriptionService does; removes the file. Concurrent requests of one owner for the same
        recording and options share one run. It goes on for a while after the last of them has left, since
        a client that timed out is likely to retry."""
        key = self._key(recording, options)

        def work() -> Coroutine[None, None, tuple[Transcript, CacheStatus]]:
            return self._find_or_compute(key, recording.path, options, progress)

        async with self._flights.join(key, progress, work) as flight:
            has_joined = flight.progress is not progress
            if has_joined:
                first = flight.progress.request_id
                logger.info(
                    "%s: joined the transcription of the same recording for %s", progress.request_id, first
                )
                await finish_in_thread(recording.path.unlink)
            transcript, source = await flight.result()
            return transcript, CacheStatus.JOINED if has_joined else source

    async def stream(
        self,
        recording: Recording,
        options: TranscriptionOptions,
        workspace: Path,
        progress: Progress,
    ) -> AsyncGenerator[Event]:
        """As TranscriptionService does; a cached transcript is sent at once, a new one is cached.

        Streams do not join a run, since its events would have to be kept for those who join later, and stop
        when their client leaves. The chunks that they finished serve a retry.
        """
        key = self._key(recording, options)
        if (found := await to_thread(self._find, key, workspace)) is not None:
            async for event in in_thread(events_of(found)):
                yield event
            return
        stream = self._compute(key, recording.path, workspace, options, progress)
        async with aclosing(stream) as events:
            async for event in events:
                yield event

    def close(self) -> None:
        """Cancel abandoned work, and from now on all work that its last caller leaves."""
        self._flights.close()

    async def wait_closed(self) -> None:
        """Wait until the cancelled work has stopped."""
        await self._flights.wait_closed()

    async def cancel_oldest_abandoned(self) -> bool:
        """Free what the work that was abandoned first uses; False if there is none."""
        return await self._flights.cancel_oldest()

    def _key(self, recording: Recording, options: TranscriptionOptions) -> str:
        requested = OPTIONS.dump_json((options,)).decode()
        parts = (recording.owner, recording.digest, requested, self._fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def _find_or_compute(
        self, key: str, upload: Path, options: TranscriptionOptions, progress: Progress
    ) -> tuple[Transcript, CacheStatus]:
        current_progress.set(progress)
        async with self._temp.workspace() as workspace:
            upload = _moved(upload, workspace)
            if (found := await to_thread(self._find, key, workspace)) is not None:
                return found, CacheStatus.HIT
            transcript = await transcript_of(self._compute(key, upload, workspace, options, progress))
            return transcript, CacheStatus.MISS

    async def _compute(
        self, key: str, upload: Path, workspace: Path, options: TranscriptionOptions, progress: Progress
    ) -> AsyncGenerator[Event]:
        """Starts from the chunks that an earlier run finished before it was cut off; caches its own, then the
        transcript in their place."""
        chunks = ChunkCache(self._cache, key)

        async def find(chunk: Chunk) -> ChunkResult | None:
            return await to_thread(chunks.find, chunk)

        stream = self._transcription.stream_file(upload, workspace, options, progress, find)
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, ChunkResult):
                    await to_thread(chunks.put, event)
                elif isinstance(event, Finished):
                    await to_thread(self._store, key, event.transcript)
                    await to_thread(chunks.clear)
                yield event

    def _find(self, key: str, workspace: Path) -> Transcript | None:
        file = self._cache.open(key)
        if file is None:
            return None
        with file:
            try:
                return read_transcript(file, workspace)
            except ValueError:  # truncated, by a power failure for example
                return None

    def _store(self, key: str, transcript: Transcript) -> None:
        self._cache.put(key, write_transcript(transcript))

    async def delete_expired(self) -> None:
        """Delete expired results even when no request comes in."""
        await to_thread(self._cache.sweep)


def _moved(upload: Path, workspace: Path) -> Path:
    """Move the upload out of the workspace of the first caller, which may leave before the others. Not in a
    thread: awaiting it could let that caller leave first."""
    return upload.rename(workspace / upload.name)
