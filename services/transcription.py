"""The orchestrator: a clip becomes a transcript, chunk by chunk, in flat memory."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from exceptions import StageUnavailableError
from models import AudioClip, Choice, ChunkResult, Transcript, TranscriptionOptions
from services.audio_service import AudioService, VocalSeparator
from services.channels import transcribe_channels
from services.chunk_processor import ChunkProcessor, Stages
from utils.chunk_merger import merge
from utils.progress import Progress


class TranscriptionService:
    def __init__(self, audio: AudioService, stages: Stages, separator: VocalSeparator | None = None) -> None:
        self._audio = audio
        self._stages = stages
        self._separator = separator
        self._chunks = ChunkProcessor(stages)

    def require(self, options: TranscriptionOptions) -> None:
        """Raises StageUnavailableError for a stage that was asked for and has no model here."""
        by_voice = options.diarize and not options.separate_channels
        wanted = (
            (by_voice, self._stages.diarization, "diarize", "speaker diarization"),
            (options.separate_vocals, self._separator, "separate_vocals", "vocal separation"),
            (options.align, self._stages.aligner, "align", "alignment"),
            (
                options.restore_punctuation,
                self._stages.punctuator,
                "restore_punctuation",
                "punctuation restoration",
            ),
        )
        for asked, stage, param, name in wanted:
            if asked and stage is None:
                switch = f"ENABLE_{name.replace(' ', '_').upper()}"
                raise StageUnavailableError(
                    f"{name.capitalize()} is off on this server; its operator can turn it on with {switch}.",
                    param=param,
                )

    async def transcribe(
        self, upload: Path, workspace: Path, options: TranscriptionOptions, progress: Progress
    ) -> Transcript:
        """The whole recording. Raises InvalidAudioError and what the stages raise."""
        self.require(options)
        if options.separate_channels:
            channels = await self._audio.split(upload, workspace)
            return await transcribe_channels(channels, workspace, options, progress, self.transcribe)
        clip = await self._audio.decode(upload, workspace)
        clip = await self._heard(upload, clip, workspace, options.separate_vocals)
        if upload.parent == workspace:
            await to_thread(upload.unlink)
        async with aclosing(self.stream(clip, options, progress)) as stream:
            results = [result async for result in stream]
        return await to_thread(merge, results, clip.num_samples, options.speakers, options.known)

    async def _heard(self, upload: Path, clip: AudioClip, workspace: Path, separate: Choice) -> AudioClip:
        """What all stages hear: the clip, or the voices in it alone."""
        if self._separator is None or not separate:
            return clip
        if separate == "auto" and not await self._separator.is_needed(clip):
            return clip
        return await self._separator.separate(upload, clip, workspace)

    async def stream(
        self, clip: AudioClip, options: TranscriptionOptions, progress: Progress
    ) -> AsyncGenerator[ChunkResult]:
        """Chunk results in order; the language found in one chunk holds for those after it."""
        progress.begin(clip.num_samples)
        async with aclosing(self._audio.plan(clip)) as chunks:
            async for planned in chunks:
                result = await self._chunks.process(clip, planned, options, progress)
                options = replace(options, decode=replace(options.decode, language=result.language))
                yield result
