"""The sound of a live session that is stored: a background transcription when the session ends."""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from exceptions import TranscriptionServerError
from models import SAMPLE_RATE, KnownVoices
from options import LiveOptions
from utils.audio_utils import BYTES_PER_SAMPLE, MIN_SAMPLES
from utils.disk import disk_full_translated
from utils.live.pcm import Pcm
from utils.temp_manager import TempManager
from utils.waiting.concurrency import finish_in_thread

logger = logging.getLogger(__name__)

BLOCK = 10 * SAMPLE_RATE  # samples collected for one write
# The header of a WAV file whose length is not known yet: 16-bit mono, up to the end of the file.
UNKNOWN_LENGTH = 0xFFFFFFFF
HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI",
    *(b"RIFF", UNKNOWN_LENGTH, b"WAVE"),
    *(b"fmt ", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16),
    *(b"data", UNKNOWN_LENGTH),
)


CreateJob: TypeAlias = Callable[[str, str, Sequence[tuple[str, str]], KnownVoices, Path], Awaitable[None]]
"""Queues the background transcription of a recording, given its owner, its id, the fields of its form and the
voices that it knows. Raises TranscriptionServerError."""


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Where recordings are written, and what makes background transcriptions of them."""

    temp: TempManager
    create: CreateJob


class SessionRecording:
    """A WAV file in a workspace of its own, which is made with the first sample."""

    def __init__(self, store: SessionStore, owner: str, job_id: str) -> None:
        self.id = job_id
        self._store = store
        self._owner = owner
        self._workspace = AsyncExitStack()
        self._folder: Path | None = None
        self._num_samples = 0
        self._waiting = bytearray(HEADER)
        self._has_failed = False

    async def append(self, samples: Pcm) -> None:
        """A disk that is full ends the recording, and not the session."""
        if self._has_failed:
            return
        self._num_samples += len(samples)
        self._waiting += samples.astype("<i2").tobytes()
        if len(self._waiting) < BLOCK * BYTES_PER_SAMPLE:
            return
        try:
            await self._flush()
        except TranscriptionServerError as error:
            self._has_failed = True
            self._num_samples -= len(self._waiting) // BYTES_PER_SAMPLE
            self._waiting = bytearray()
            logger.error("%s: the rest of the session cannot be stored: %s", self.id, error.message)

    async def keep(self, options: LiveOptions, voices: KnownVoices) -> None:
        """Queue its transcription, if the session is still to be stored. Speakers with one of `voices` get
        its name, so that their labels carry on those of the session."""
        async with self._workspace:
            if self._num_samples < MIN_SAMPLES or not options.store:
                return
            try:
                path = await self._flush()
                await self._store.create(self._owner, self.id, list(_fields(options)), voices, path)
            except TranscriptionServerError as error:
                logger.error("%s: the session cannot be stored: %s", self.id, error.message)

    async def _flush(self) -> Path:
        """Write what was collected. Raises InsufficientStorageError, WorkspaceFolderError."""
        temp = self._store.temp
        if self._folder is None:
            self._folder = await self._workspace.enter_async_context(temp.workspace())
        await temp.room.reserve(self._folder, len(self._waiting))
        block, self._waiting = self._waiting, bytearray()  # only now: nothing is lost if that was cancelled
        path = self._folder / "session.wav"
        await finish_in_thread(partial(_write, path, block))
        await temp.room.reserve(self._folder, 0)
        return path


def _fields(options: LiveOptions) -> Iterator[tuple[str, str]]:
    """The form of the transcription."""
    decode = options.decode
    yield "model", decode.model or "whisper-1"
    yield "response_format", "diarized_json" if options.diarize else "verbose_json"
    if decode.language:
        yield "language", decode.language
    yield from (("languages[]", code) for code in decode.languages)
    yield "prompt", decode.prompt
    yield from (("keywords[]", word) for word in decode.keywords)
    if options.diarize:
        yield "min_speakers", str(options.speakers.minimum)
        if options.speakers.maximum:
            yield "max_speakers", str(options.speakers.maximum)


def _write(path: Path, block: bytearray) -> None:
    with disk_full_translated(), path.open("ab") as out:
        out.write(block)
