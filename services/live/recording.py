"""The sound of a live session that is stored: a background transcription when the session ends."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exceptions import TranscriptionServerError
from models import SAMPLE_RATE, KnownVoices
from options import LiveOptions
from services.durable.job_service import JobService
from services.durable.work import TranscriptionWork
from utils.audio_utils import BYTES_PER_SAMPLE, MIN_SAMPLES
from utils.disk import disk_full_translated
from utils.live.pcm import Pcm
from utils.waiting.concurrency import finish_in_thread
from utils.workspace_room import WorkspaceRoom

logger = logging.getLogger(__name__)

ENDPOINT = "/v1/audio/transcriptions"
BLOCK = 10 * SAMPLE_RATE  # samples collected for one write
# The header of a WAV file whose length is not known yet: 16-bit mono, up to the end of the file.
UNKNOWN_LENGTH = 0xFFFFFFFF
HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI",
    *(b"RIFF", UNKNOWN_LENGTH, b"WAVE"),
    *(b"fmt ", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16),
    *(b"data", UNKNOWN_LENGTH),
)


class SessionRecording:
    """A WAV file in `folder`, a workspace."""

    def __init__(self, folder: Path, room: WorkspaceRoom) -> None:
        self.path = folder / "session.wav"
        self.num_samples = 0
        self._folder = folder
        self._room = room
        self._waiting = bytearray(HEADER)

    async def append(self, samples: Pcm) -> None:
        """Raises InsufficientStorageError."""
        self.num_samples += len(samples)
        self._waiting += samples.astype("<i2").tobytes()
        if len(self._waiting) >= BLOCK * BYTES_PER_SAMPLE:
            await self.flush()

    async def flush(self) -> None:
        """Write what was collected. Raises InsufficientStorageError."""
        block, self._waiting = self._waiting, bytearray()
        await self._room.reserve(self._folder, len(block))
        await finish_in_thread(partial(_write, self.path, block))
        await self._room.reserve(self._folder, 0)


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Makes background transcriptions of recordings of sessions."""

    jobs: JobService
    work: TranscriptionWork

    async def keep(
        self, job_id: str, owner: str, recording: SessionRecording, options: LiveOptions, voices: KnownVoices
    ) -> None:
        """Queue the transcription of a recording. Speakers with one of `voices` get its name, so that labels
        carry on those of the session."""
        if recording.num_samples < MIN_SAMPLES:
            return
        try:
            await recording.flush()
            request = self.work.accept_recording(list(_fields(options)), voices)
            await self.jobs.create(owner, ENDPOINT, request, recording.path, job_id)
        except TranscriptionServerError as error:
            logger.error("%s: the session could not be stored: %s", job_id, error.message)


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
