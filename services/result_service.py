"""Transcripts, each worked out once: joined while it is made, kept when it is done."""

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

from models import Transcript
from options import TranscriptionOptions
from services.transcription import TranscriptionService
from utils.store.result_cache import ResultCache
from utils.temp_manager import TempManager
from utils.transcript import codec
from utils.transcript.events import Event, Finished, events_of
from utils.transcript.lines import read_transcript, write_transcript
from utils.waiting.concurrency import finish_in_thread
from utils.waiting.progress import Progress
from utils.waiting.single_flight import SingleFlight

logger = logging.getLogger(__name__)

OPTIONS = TypeAdapter(tuple[TranscriptionOptions], config=codec.EXACT)


class CacheStatus(StrEnum):
    """Where a result came from; goes out as `x-cache`."""

    HIT = "hit"
    JOINED = "joined"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Recording:
    """An upload: the file, its SHA-256, and whose it is."""

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
    ) -> None:
        """`fingerprint` names all else that a result depends on: models, settings, the code itself."""
        self._transcription = transcription
        self._temp = temp
        self._cache = cache
        self._fingerprint = fingerprint
        self._flights = SingleFlight[tuple[Transcript, CacheStatus]]()

    async def transcribe(
        self, recording: Recording, options: TranscriptionOptions, progress: Progress
    ) -> tuple[Transcript, CacheStatus]:
        """As TranscriptionService does; takes the file away. The same recording of the same owner with the
        same options is worked on once at a time, for as long as one of its callers is there."""
        key = self._key(recording, options)

        def work() -> Coroutine[None, None, tuple[Transcript, CacheStatus]]:
            return self._found_or_made(key, recording.path, options, progress)

        async with self._flights.join(key, work) as flight:
            has_joined = flight.callers > 1
            if has_joined:
                logger.info("%s: the same recording is being worked on; joined", progress.request_id)
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
        """As TranscriptionService does; a kept transcript is told at once, and one that was made is kept.

        Streams join nothing: what was told before somebody came would have to be held for them.
        """
        key = self._key(recording, options)
        if (found := await to_thread(self._find, key, workspace)) is not None:
            for event in events_of(found):
                yield event
            return
        made = self._transcription.stream_file(recording.path, workspace, options, progress)
        async with aclosing(made) as events:
            async for event in events:
                if isinstance(event, Finished):
                    await to_thread(self._keep, key, event.transcript)
                yield event

    def _key(self, recording: Recording, options: TranscriptionOptions) -> str:
        asked = OPTIONS.dump_json((options,)).decode()
        parts = (recording.owner, recording.digest, asked, self._fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def _found_or_made(
        self, key: str, upload: Path, options: TranscriptionOptions, progress: Progress
    ) -> tuple[Transcript, CacheStatus]:
        async with self._temp.workspace() as workspace:
            upload = _moved(upload, workspace)
            if (found := await to_thread(self._find, key, workspace)) is not None:
                return found, CacheStatus.HIT
            made = await self._transcription.transcribe(upload, workspace, options, progress)
        await to_thread(self._keep, key, made)
        return made, CacheStatus.MISS

    def _find(self, key: str, workspace: Path) -> Transcript | None:
        file = self._cache.open(key)
        if file is None:
            return None
        with file:
            try:
                return read_transcript(file, workspace)
            except ValueError:  # cut short by a power failure, say
                return None

    def _keep(self, key: str, transcript: Transcript) -> None:
        self._cache.put(key, write_transcript(transcript))

    async def delete_expired(self) -> None:
        """Results past their time are deleted though nobody asks for any."""
        await to_thread(self._cache.sweep)


def _moved(upload: Path, workspace: Path) -> Path:
    """Out of the workspace of the first caller, who may leave before the others. At once, not in a thread:
    nothing may come between."""
    return upload.rename(workspace / upload.name)
