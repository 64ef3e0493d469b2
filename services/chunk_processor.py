"""One chunk through the stages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from models import (
    AudioClip,
    ChunkResult,
    ChunkSpeakers,
    Segment,
    Span,
    SpeakerCount,
    TokenCounts,
    TranscriptionOptions,
)
from services.alignment_service import Aligner
from services.diarization_service import Diarizer
from services.punctuation_service import Punctuator
from services.whisper_service import WhisperService
from utils.audio_utils import read_samples
from utils.chunk_planner import PlannedChunk
from utils.concurrency import run_together
from utils.progress import Progress
from utils.speech_map import SpeechRules, seconds
from utils.speech_windows import speech_windows

# Tighter than for the recogniser, since silence blurs a voice, and with a lower onset, since speech that is
# missed has no speaker. Of the settings tried, the best on meetings and with a collar everywhere.
VOICE_RULES = SpeechRules(onset=0.35, offset=0.2, min_silence=seconds(0.3), pad=seconds(0.1))


@dataclass(frozen=True, slots=True)
class Stages:
    """What a chunk can go through; a stage that this server has no model for is None."""

    whisper: WhisperService
    diarization: Diarizer | None = None
    aligner: Aligner | None = None
    punctuator: Punctuator | None = None


class ChunkProcessor:
    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def process(
        self, clip: AudioClip, planned: PlannedChunk, options: TranscriptionOptions, progress: Progress
    ) -> ChunkResult:
        """Words and speakers of one chunk, found side by side: they are bound by different cores."""
        windows = speech_windows(planned.speech, options.voice_activity)
        options = await self._with_language(clip, windows, options)
        (segments, counts), speakers = await run_together(
            self._segments(clip, planned, windows, options, progress), self._speakers(clip, planned, options)
        )
        progress.reach(planned.chunk.stop)
        return ChunkResult(planned.chunk, options.decode.language, tuple(segments), speakers, counts)

    async def _with_language(
        self, clip: AudioClip, windows: Sequence[Span], options: TranscriptionOptions
    ) -> TranscriptionOptions:
        if options.decode.language:
            return options
        language = await self._stages.whisper.detect_language(clip, windows, options.decode.languages)
        return replace(options, decode=replace(options.decode, language=language))

    async def _segments(
        self,
        clip: AudioClip,
        planned: PlannedChunk,
        windows: Sequence[Span],
        options: TranscriptionOptions,
        progress: Progress,
    ) -> tuple[list[Segment], TokenCounts]:
        segments: list[Segment] = []
        counts = TokenCounts()
        language = options.decode.text_language
        if options.decode.language is None or language is None:
            return segments, counts
        batches = self._stages.whisper.transcribe(
            clip, planned.chunk, planned.speech, windows, options.decode, options.words
        )
        async with aclosing(batches):
            async for heard in batches:
                segments += heard.segments
                counts += heard.counts
                progress.reach(heard.until)
        if options.align and self._stages.aligner:
            segments = await self._stages.aligner.align(clip, segments, language)
        if options.restore_punctuation and self._stages.punctuator:
            segments = await self._stages.punctuator.restore(segments, language)
        return segments, counts

    async def _speakers(
        self, clip: AudioClip, planned: PlannedChunk, options: TranscriptionOptions
    ) -> ChunkSpeakers:
        if not (options.diarize and self._stages.diarization):
            return ChunkSpeakers()
        count = options.speakers
        if planned.chunk.heard.num_samples < clip.num_samples:
            count = SpeakerCount(1, count.maximum)  # not everyone need speak in every chunk
        return await self._stages.diarization.diarize(
            lambda span: read_samples(clip, span),
            planned.chunk.heard,
            planned.speech.regions(VOICE_RULES),
            count,
        )
