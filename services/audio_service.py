"""Uploads to audio sources, and audio sources to planned chunks with detected speech."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from models import SAMPLE_RATE, AudioClip, Span
from options import Choice
from seams import Detector, DetectorState
from utils.audio.channel_splitter import ChannelSplitter
from utils.audio_utils import BYTES_PER_SAMPLE, Decoder, claimed_samples, read_samples
from utils.disk import check_room, disk_full_translated
from utils.model_manager import ModelSlot
from utils.speech.chunk_planner import ChunkLimits, ChunkPlanner, PlannedChunk
from utils.speech.speech_map import FRAME, Probabilities
from utils.waiting.concurrency import ahead, finish_in_thread
from utils.waiting.progress import Progress

DETECTION_BLOCK = 10 * SAMPLE_RATE // FRAME * FRAME  # whole frames; some 0.04 s of work

Clips: TypeAlias = AsyncGenerator[AudioClip]
"""One recording as far as it is available, longer each time; the last clip is complete."""

Plan: TypeAlias = AsyncGenerator[tuple[AudioClip, PlannedChunk]]
"""Chunks in order, each with the clip so far, which covers all of the chunk's `heard` span."""


@dataclass(frozen=True, slots=True)
class AudioSource:
    """Audio to transcribe, and how long its chunks may be: live audio cannot wait for long ones."""

    clips: Clips
    limits: ChunkLimits


class VocalSeparator(Protocol):
    """Removes music; the seam of the separation stage."""

    async def is_needed(self, clip: AudioClip) -> bool:
        """Whether the clip contains music."""

    async def separate(self, upload: Path, clip: AudioClip, workspace: Path) -> AudioClip:
        """The vocals of `upload`, as long as `clip`, which they replace."""


class AudioService:
    def __init__(
        self,
        detector: ModelSlot[Detector],
        limits: ChunkLimits,
        max_samples: int,
        separator: VocalSeparator | None = None,
    ) -> None:
        """`limits` apply to recordings, which may have up to `max_samples`."""
        self._detector = detector
        self._limits = limits
        self._max_samples = max_samples
        self._separator = separator

    @property
    def can_separate(self) -> bool:
        return self._separator is not None

    def file_source(self, upload: Path, workspace: Path, separate: Choice, progress: Progress) -> AudioSource:
        """A file as a source. One in the workspace is deleted once it is decoded."""
        return AudioSource(self._clips(upload, workspace, separate, progress), self._limits)

    async def decode(self, upload: Path, workspace: Path, progress: Progress) -> Clips:
        """Yields the recording as far as it is decoded, ten seconds longer each time.

        If the container gives no duration, or one over the limit, only the complete clip is yielded, so that
        a recording that is too long is refused before any work on it. Raises InvalidAudioError,
        UploadTooLargeError, InsufficientStorageError.
        """
        with disk_full_translated():
            claimed = await finish_in_thread(partial(claimed_samples, upload))
            check_room(workspace, min(claimed, self._max_samples) * BYTES_PER_SAMPLE)
            decoder = Decoder(upload, workspace / "audio.s16", self._max_samples)
            while (whole := await finish_in_thread(decoder.step)) is None:
                progress.expect(max(min(claimed, self._max_samples), decoder.so_far.num_samples))
                if 0 < claimed <= self._max_samples:
                    yield decoder.so_far
            progress.expect(whole.num_samples)
            yield whole

    async def split(self, upload: Path, workspace: Path) -> list[Path]:
        """A file in the workspace for each channel. Raises as `decode` does, and InvalidRequestError."""
        with disk_full_translated():
            splitter = ChannelSplitter(upload, workspace, self._max_samples)
            while (channels := await finish_in_thread(splitter.step)) is None:
                pass
            return channels

    async def plan(self, source: AudioSource) -> Plan:
        """Yields each chunk as soon as its end is known, while later audio is still to come."""
        planner, state, start = ChunkPlanner(source.limits), DetectorState(), 0
        clip = None
        async with aclosing(ahead(source.clips)) as clips:
            async for clip in clips:
                while clip.num_samples - start >= DETECTION_BLOCK:
                    span = Span(start, start + DETECTION_BLOCK)
                    probabilities, state = await self._detect(clip, span, state)
                    start = span.stop
                    for planned in planner.feed(probabilities):
                        yield clip, planned
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

    async def _clips(self, upload: Path, workspace: Path, separate: Choice, progress: Progress) -> Clips:
        """The recording as it is decoded or, once it is complete, its vocals alone."""
        separator = self._separator if separate else None
        async with aclosing(self.decode(upload, workspace, progress)) as clips:
            async for clip in clips:
                if separator is None:
                    yield clip
        if separator:
            if separate is True or await separator.is_needed(clip):
                clip = await separator.separate(upload, clip, workspace)
            yield clip
        if upload.parent == workspace:
            await to_thread(upload.unlink)
