"""The orchestrator: a clip becomes a transcript, chunk by chunk, in flat memory."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from exceptions import StageUnavailableError
from models import AudioClip, Chunk, ChunkResult, Heard, Transcript
from options import Choice, TranscriptionOptions
from services.audio_service import AudioService, VocalSeparator
from services.channels import transcribe_channels
from services.chunk_processor import ChunkProcessor, Stages
from utils.transcript.events import Event, Finished, told_at_once
from utils.transcript.running_transcript import RunningTranscript
from utils.waiting.concurrency import ahead
from utils.waiting.progress import Progress

Recall: TypeAlias = Callable[[Chunk], Awaitable[ChunkResult | None]]
"""What an earlier run made of the chunk, if it was finished."""


async def recall_nothing(_: Chunk) -> None:
    """For what runs for the first time."""


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
        """The whole recording. Raises what `stream` raises."""
        async with aclosing(self.stream(upload, workspace, options, progress)) as events:
            (finished,) = [event async for event in events if isinstance(event, Finished)]
        return finished.transcript

    async def stream(
        self,
        upload: Path,
        workspace: Path,
        options: TranscriptionOptions,
        progress: Progress,
        recall: Recall = recall_nothing,
    ) -> AsyncGenerator[Event]:
        """What happens, as it happens; the last event is Finished.

        Chunks that are recalled from an earlier run are not run again, and all comes out the same: only
        their speech is looked for once more, because where later ones are cut depends on it. An upload in
        the workspace is deleted once it is decoded. Raises InvalidAudioError and what the stages raise.
        """
        self.require(options)
        if options.separate_channels:
            channels = await self._audio.split(upload, workspace)
            whole = await transcribe_channels(channels, workspace, options, progress, self.transcribe)
            for event in told_at_once(whole):
                yield event
            return
        running = RunningTranscript(options, workspace)
        async with (
            aclosing(self._clips(upload, workspace, options.separate_vocals, progress)) as clips,
            aclosing(self._chunk_by_chunk(clips, options, progress, recall)) as parts,
        ):
            async for chunk, part in parts:
                for event in await to_thread(running.take, chunk, part):
                    yield event
        for event in await to_thread(running.finish):
            yield event

    async def _chunk_by_chunk(
        self,
        clips: AsyncGenerator[AudioClip],
        options: TranscriptionOptions,
        progress: Progress,
        recall: Recall,
    ) -> AsyncGenerator[tuple[Chunk, Heard | ChunkResult]]:
        """The language found in one chunk holds for those after it."""
        async with aclosing(ahead(self._audio.plan(clips))) as plan:
            async for clip, planned in plan:
                if result := await recall(planned.chunk):
                    parts = _told_again(result, progress)
                else:
                    parts = self._chunks.process(clip, planned, options, progress)
                async with aclosing(parts):
                    async for part in parts:
                        yield planned.chunk, part
                        if isinstance(part, ChunkResult):
                            options = replace(options, decode=replace(options.decode, language=part.language))

    async def _clips(
        self, upload: Path, workspace: Path, separate: Choice, progress: Progress
    ) -> AsyncGenerator[AudioClip]:
        """What all stages hear as far as it is there: the recording, or, at once, the voices in it alone."""
        separator = self._separator if separate else None
        async with aclosing(self._audio.decode(upload, workspace, progress)) as clips:
            async for clip in clips:
                if separator is None:
                    yield clip
        if separator:
            if separate is True or await separator.is_needed(clip):
                clip = await separator.separate(upload, clip, workspace)
            yield clip
        if upload.parent == workspace:
            await to_thread(upload.unlink)


async def _told_again(result: ChunkResult, progress: Progress) -> AsyncGenerator[Heard | ChunkResult]:
    yield Heard(result.segments, result.chunk.heard.stop, result.counts)
    progress.reach(result.chunk.stop)
    yield result
