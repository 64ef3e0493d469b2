"""Runs one chunk through the stages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from models import (
    SAMPLE_RATE,
    AudioClip,
    Chunk,
    ChunkPart,
    ChunkResult,
    ChunkSpeakers,
    Segment,
    Span,
    TokenCounts,
)
from options import TranscriptionOptions
from services.alignment_service import Aligner
from services.diarization_service import Diarizer
from services.punctuation_service import Punctuator
from services.whisper.window_languages import Languages
from services.whisper_pool import WhisperPool
from services.whisper_service import Encoded, WhisperService
from utils.audio_utils import read_samples
from utils.speech.chunk_planner import PlannedChunk
from utils.speech.speech_windows import share_out, speech_windows
from utils.waiting.concurrency import stopped
from utils.waiting.progress import Progress

logger = logging.getLogger(__name__)


class Stage(StrEnum):
    """The optional stages beside recognition."""

    SEPARATION = "vocal separation"
    DIARIZATION = "speaker diarization"
    ALIGNMENT = "alignment"
    PUNCTUATION = "punctuation restoration"


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a chunk; None for those that this server has no model for."""

    whisper: WhisperService | WhisperPool
    diarization: Diarizer | None = None
    aligner: Aligner | None = None
    punctuator: Punctuator | None = None

    @property
    def available(self) -> frozenset[Stage]:
        models = {
            Stage.DIARIZATION: self.diarization,
            Stage.ALIGNMENT: self.aligner,
            Stage.PUNCTUATION: self.punctuator,
        }
        return frozenset(stage for stage, model in models.items() if model is not None)


class ChunkProcessor:
    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def process(
        self,
        clip: AudioClip,
        planned: PlannedChunk,
        options: TranscriptionOptions,
        progress: Progress,
        encoded: Encoded,
        spoken: Languages = (),
    ) -> AsyncGenerator[ChunkPart | ChunkResult]:
        """Yields the parts of a chunk as they are recognised, then its result. Recognition and diarization
        run concurrently: they are bound by different cores. Windows in `encoded` are not encoded again;
        `spoken` are the languages before the chunk, the latest last."""
        if not planned.chunk.is_whole:
            _log_start(planned.chunk, progress)
        longest = self._stages.whisper.longest_window
        windows = speech_windows(planned.speech, options.voice_activity, longest)
        if planned.chunk.is_whole and self._stages.whisper.lanes > 1:
            windows = share_out(windows, planned.speech, options.voice_activity)
        if not (spoken or options.decode.language):
            spoken = await self._first_language(clip, windows, options, progress, encoded)
        speakers = asyncio.ensure_future(self._diarize(clip, planned, options))
        segments: list[Segment] = []
        counts = TokenCounts()
        try:
            async with aclosing(
                self._recognise(clip, planned, windows, encoded, options, spoken, progress)
            ) as parts:
                async for part in parts:
                    if speakers.done():
                        speakers.result()  # a failed diarization ends the chunk now, not after all windows
                    segments += part.segments
                    counts += part.counts
                    yield part
            found = await speakers
        finally:
            await stopped(speakers)
        progress.reach(planned.chunk.stop)
        last = segments[-1].language if segments else next(reversed(spoken), None)
        language = options.decode.language or last
        yield ChunkResult(planned.chunk, language, tuple(segments), found, counts)

    async def _first_language(
        self,
        clip: AudioClip,
        windows: Sequence[Span],
        options: TranscriptionOptions,
        progress: Progress,
        encoded: Encoded,
    ) -> Languages:
        whisper = self._stages.whisper
        samples = partial(read_samples, clip)
        language = await whisper.detect_language(progress, samples, windows, options.decode, encoded)
        return (language,) if language else ()

    async def _recognise(
        self,
        clip: AudioClip,
        planned: PlannedChunk,
        windows: Sequence[Span],
        encoded: Encoded,
        options: TranscriptionOptions,
        spoken: Languages,
        progress: Progress,
    ) -> AsyncGenerator[ChunkPart]:
        """Window by window, or all at once if a later stage needs the text of the whole chunk."""
        if not (spoken or options.decode.language):
            return
        language = options.decode.text_language
        aligner = self._stages.aligner if options.align else None
        punctuator = self._stages.punctuator if options.restore_punctuation else None
        segments: list[Segment] = []
        counts = TokenCounts()
        parts = self._stages.whisper.transcribe(
            progress,
            partial(read_samples, clip),
            planned.chunk,
            planned.speech,
            windows,
            options.decode,
            encoded,
            spoken,
        )
        async with aclosing(parts):
            async for part in parts:
                progress.reach(part.until)
                if aligner or punctuator:
                    segments += part.segments
                    counts += part.counts
                else:
                    yield part
        if aligner:
            segments = await aligner.align(clip, segments, language)
        if punctuator:
            segments = await punctuator.restore(segments, language)
        yield ChunkPart(tuple(segments), planned.chunk.heard.stop, counts)

    async def _diarize(
        self, clip: AudioClip, planned: PlannedChunk, options: TranscriptionOptions
    ) -> ChunkSpeakers:
        if not (options.diarize and self._stages.diarization):
            return ChunkSpeakers()
        found = await self._stages.diarization.diarize(
            partial(read_samples, clip),
            planned.chunk.heard,
            planned.speech,
            options.speakers,
        )
        # The minimum number of speakers is that of the recording, so it binds only a chunk that is all of it.
        return (found.finer or found) if planned.chunk.is_whole else found


def _log_start(chunk: Chunk, progress: Progress) -> None:
    logger.info(
        "%s: chunk %d begins, %.0f to %.0f s",
        progress.request_id,
        chunk.index,
        chunk.start / SAMPLE_RATE,
        chunk.stop / SAMPLE_RATE,
    )
