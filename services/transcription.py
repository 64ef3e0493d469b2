"""The orchestrator: an audio source becomes a transcript, chunk by chunk, in bounded memory."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from exceptions import StageUnavailableError
from models import Transcript
from options import TranscriptionOptions
from services.audio_service import AudioService, AudioSource, track_choice
from services.channels import transcribe_channels
from services.chunk_processor import Stage
from services.chunk_runner import Checkpoints, ChunkRunner, no_checkpoints
from utils.transcript.events import Event, Finished, events_of
from utils.transcript.running_transcript import RunningTranscript
from utils.waiting.concurrency import in_thread
from utils.waiting.progress import Progress


class TranscriptionService:
    def __init__(self, audio: AudioService, chunks: ChunkRunner) -> None:
        self._audio = audio
        self._chunks = chunks
        self._stages = chunks.stages | ({Stage.SEPARATION} if audio.can_separate else set())

    def require(self, options: TranscriptionOptions) -> None:
        """Raises StageUnavailableError for a requested stage that this server has no model for."""
        needs_diarization = options.diarize and not options.separate_channels
        stages = (
            (needs_diarization, Stage.DIARIZATION, "diarize"),
            (options.separate_vocals, Stage.SEPARATION, "separate_vocals"),
            (options.align, Stage.ALIGNMENT, "align"),
            (options.restore_punctuation, Stage.PUNCTUATION, "restore_punctuation"),
        )
        for is_requested, stage, param in stages:
            if is_requested and stage not in self._stages:
                switch = f"ENABLE_{stage.replace(' ', '_').upper()}"
                raise StageUnavailableError(
                    f"{stage.capitalize()} is off on this server; its operator can turn it on with {switch}.",
                    param=param,
                )

    async def transcribe(
        self, upload: Path, workspace: Path, options: TranscriptionOptions, progress: Progress
    ) -> Transcript:
        """The transcript of a recording. Raises what `stream_file` raises."""
        return await transcript_of(self.stream_file(upload, workspace, options, progress))

    async def stream_file(
        self,
        upload: Path,
        workspace: Path,
        options: TranscriptionOptions,
        progress: Progress,
        checkpoints: Checkpoints = no_checkpoints,
    ) -> AsyncGenerator[Event]:
        """Transcribes a recording as `stream` does, or its channels one by one.

        An upload in the workspace is deleted once it is decoded. Raises InvalidAudioError and what `stream`
        raises.
        """
        self.require(options)
        if options.separate_channels:
            channels = await self._audio.split(upload, workspace, track_choice(options))
            whole = await transcribe_channels(channels, workspace, options, progress, self.transcribe)
            async for event in in_thread(events_of(whole)):
                yield event
            return
        source = self._audio.file_source(upload, workspace, options, progress)
        async with aclosing(self.stream(source, workspace, options, progress, checkpoints)) as events:
            async for event in events:
                yield event

    async def stream(
        self,
        source: AudioSource,
        workspace: Path,
        options: TranscriptionOptions,
        progress: Progress,
        checkpoints: Checkpoints = no_checkpoints,
    ) -> AsyncGenerator[Event]:
        """Yields events as they happen; the last is Finished.

        Chunks with a checkpoint are not run again and the events are the same; only speech detection is
        repeated, because where later chunks are cut depends on it. Raises what the stages raise.
        """
        running = RunningTranscript(options, workspace)
        async with (
            aclosing(source.clips),
            aclosing(self._chunks.run(self._audio.plan(source), options, progress, checkpoints)) as parts,
        ):
            async for chunk, part in parts:
                for event in await to_thread(running.take, chunk, part):
                    yield event
        for event in await to_thread(running.finish):
            yield event


async def transcript_of(events: AsyncGenerator[Event]) -> Transcript:
    """The transcript with which events end."""
    async with aclosing(events):
        (finished,) = [event async for event in events if isinstance(event, Finished)]
    return finished.transcript
