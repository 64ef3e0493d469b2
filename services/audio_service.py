"""Uploads to audio sources, and audio sources to planned chunks with detected speech."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from exceptions import InvalidAudioError
from models import SAMPLE_RATE, AudioClip, Span
from options import TranscriptionOptions
from seams import Decoder, Detector, DetectorState
from utils.audio.channel_splitter import EVERY_CHANNEL, ChannelSplitter
from utils.audio_utils import (
    BYTES_PER_SAMPLE,
    CLIP_FORMAT,
    MIN_SAMPLES,
    append,
    check_length,
    read_samples,
)
from utils.decoding.tracks import TrackChoice
from utils.disk import disk_full_translated
from utils.model_manager import ModelSlot
from utils.speech.chunk_planner import ChunkLimits, ChunkPlanner, PlannedChunk
from utils.speech.speech_map import FRAME, Probabilities, SpeechMap
from utils.waiting.concurrency import ahead, finish_in_thread
from utils.waiting.progress import Progress
from utils.workspace_room import WorkspaceRoom

DETECTION_BLOCK = 10 * SAMPLE_RATE // FRAME * FRAME  # whole frames; some 0.04 s of work

Clips: TypeAlias = AsyncGenerator[AudioClip]
"""One recording as far as it is available, longer each time; the last clip is complete."""

Plan: TypeAlias = AsyncGenerator[tuple[AudioClip, PlannedChunk | SpeechMap]]
"""Chunks in order, each with the clip so far, which covers all of the chunk's `heard` span. Before the first
one comes its speech as far as it is known, longer each time."""


@dataclass(frozen=True, slots=True)
class AudioSource:
    """Audio to transcribe, and how long its chunks may be: live audio cannot wait for long ones."""

    clips: Clips
    limits: ChunkLimits


class VocalSeparator(Protocol):
    """Removes music; the seam of the separation stage."""

    async def is_needed(self, clip: AudioClip) -> bool:
        """Whether the clip contains music."""

    async def separate(
        self, upload: Path, choice: TrackChoice, clip: AudioClip, workspace: Path
    ) -> AudioClip:
        """The vocals of a track of `upload`, as long as `clip`, which they replace."""


class AudioService:
    def __init__(
        self,
        decoder: Decoder,
        room: WorkspaceRoom,
        detector: ModelSlot[Detector],
        limits: ChunkLimits,
        max_samples: int,
        separator: VocalSeparator | None = None,
    ) -> None:
        """`limits` apply to recordings, which may have up to `max_samples`."""
        self._decoder = decoder
        self._room = room
        self._detector = detector
        self._limits = limits
        self._max_samples = max_samples
        self._separator = separator

    @property
    def can_separate(self) -> bool:
        return self._separator is not None

    def file_source(
        self, upload: Path, workspace: Path, options: TranscriptionOptions, progress: Progress
    ) -> AudioSource:
        """A file as a source. One in the workspace is deleted once it is decoded."""
        return AudioSource(self._clips(upload, workspace, options, progress), self._limits)

    async def decode(self, upload: Path, workspace: Path, choice: TrackChoice, progress: Progress) -> Clips:
        """Yields the recording as far as it is decoded, ten seconds longer each time.

        If the container gives no duration, or one over the limit, only the complete clip is yielded, so that
        a recording that is too long is refused before any work on it. Raises InvalidAudioError,
        UploadTooLargeError, InsufficientStorageError.
        """
        with disk_full_translated():
            clip = AudioClip(workspace / "audio.s16", 0)
            async with self._decoder.open(upload, CLIP_FORMAT, choice) as audio:
                expected = min(audio.claimed_samples, self._max_samples)
                is_known = 0 < audio.claimed_samples <= self._max_samples
                async for block in audio:
                    await self._reserve(workspace, max(expected - clip.num_samples, block.shape[1]))
                    clip = await finish_in_thread(partial(append, clip, block))
                    check_length(clip.num_samples, self._max_samples)
                    progress.expect(max(expected, clip.num_samples))
                    if is_known:
                        yield clip
            if clip.num_samples < MIN_SAMPLES:
                raise InvalidAudioError("The audio is too short: it must hold at least 0.1 seconds.")
            await self._reserve(workspace, 0)
            progress.expect(clip.num_samples)
            yield clip

    async def split(self, upload: Path, workspace: Path, choice: TrackChoice) -> list[Path]:
        """A file in the workspace for each channel. Raises as `decode` does, and InvalidRequestError."""
        splitter = ChannelSplitter(workspace, self._max_samples)
        with disk_full_translated():
            async with self._decoder.open(upload, EVERY_CHANNEL, choice) as audio:
                expected = min(audio.claimed_samples, self._max_samples)
                async for block in audio:
                    missing = max(expected - splitter.num_samples, block.shape[1])
                    await self._reserve(workspace, len(block) * missing)
                    await finish_in_thread(partial(splitter.write, block))
        await self._reserve(workspace, 0)
        return splitter.finish()

    async def _reserve(self, workspace: Path, num_samples: int) -> None:
        await self._room.reserve(workspace, num_samples * BYTES_PER_SAMPLE)

    async def plan(self, source: AudioSource) -> Plan:
        """Yields each chunk as soon as its end is known, while later audio is still to come."""
        planner, state, start = ChunkPlanner(source.limits), DetectorState(), 0
        clip, is_first = None, True
        async with aclosing(ahead(source.clips)) as clips:
            async for clip in clips:
                while clip.num_samples - start >= DETECTION_BLOCK:
                    span = Span(start, start + DETECTION_BLOCK)
                    probabilities, state = await self._detect(clip, span, state)
                    start = span.stop
                    for planned in planner.feed(probabilities):
                        yield clip, planned
                        is_first = False
                    if is_first:
                        yield clip, planner.upcoming()
        if clip is None:
            return
        if start < clip.num_samples:
            probabilities, state = await self._detect(clip, Span(start, clip.num_samples), state)
            for planned in planner.feed(probabilities):
                yield clip, planned
        for planned in planner.finish(clip.num_samples):
            yield clip, planned

    async def _detect(
        self, clip: AudioClip, span: Span, state: DetectorState
    ) -> tuple[Probabilities, DetectorState]:
        return await self._detector.run(lambda model: model.detect(read_samples(clip, span), state))

    async def _clips(
        self, upload: Path, workspace: Path, options: TranscriptionOptions, progress: Progress
    ) -> Clips:
        """The recording as it is decoded or, once it is complete, its vocals alone."""
        separator = self._separator if options.separate_vocals else None
        choice = track_choice(options)
        async with aclosing(self.decode(upload, workspace, choice, progress)) as clips:
            async for clip in clips:
                if separator is None:
                    yield clip
        if separator:
            if options.separate_vocals is True or await separator.is_needed(clip):
                clip = await separator.separate(upload, choice, clip, workspace)
            yield clip
        if upload.parent == workspace:
            await to_thread(upload.unlink)


def track_choice(options: TranscriptionOptions) -> TrackChoice:
    return TrackChoice(options.audio_track, options.decode.language)
