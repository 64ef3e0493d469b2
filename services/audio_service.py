"""An upload becomes a clip; a clip becomes planned chunks with the speech in them."""

from __future__ import annotations

import errno
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

from exceptions import InsufficientStorageError
from models import SAMPLE_RATE, Audio, AudioClip, Span
from services.speech_detector import DetectorState
from utils.audio_utils import Decoder, read_samples
from utils.chunk_planner import ChunkLimits, ChunkPlanner, PlannedChunk
from utils.concurrency import finish_in_thread
from utils.model_manager import ModelSlot
from utils.speech_map import FRAME, Probabilities

DETECTION_BLOCK = 60 * SAMPLE_RATE // FRAME * FRAME  # whole frames; some 0.2 s of work


class Detector(Protocol):
    """The seam of speech detection."""

    def detect(self, block: Audio, state: DetectorState) -> tuple[Probabilities, DetectorState]: ...


class VocalSeparator(Protocol):
    """Takes the music away; the seam of the separation stage."""

    async def separate(self, clip: AudioClip, target: Path) -> AudioClip:
        """A clip of the same length at `target` that holds the voices of `clip` alone."""


class AudioService:
    def __init__(self, detector: ModelSlot[Detector], limits: ChunkLimits, max_samples: int) -> None:
        self._detector = detector
        self._limits = limits
        self._max_samples = max_samples

    async def decode(self, upload: Path, workspace: Path) -> AudioClip:
        """A block at a time, so that short recordings do not wait for long ones.

        Raises InvalidAudioError, UploadTooLargeError, InsufficientStorageError.
        """
        target = workspace / "audio.s16"
        try:
            decoder = Decoder(upload, target, self._max_samples)
            while (clip := await finish_in_thread(decoder.step)) is None:
                pass
            return clip
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise InsufficientStorageError(
                    "The disk of this server cannot hold the recording."
                ) from error
            raise

    async def plan(self, clip: AudioClip) -> AsyncGenerator[PlannedChunk]:
        """Chunks in order, each as soon as its end is known, while the rest is still unheard."""
        planner = ChunkPlanner(self._limits)
        state = DetectorState()
        for start in range(0, clip.num_samples, DETECTION_BLOCK):
            span = Span(start, min(start + DETECTION_BLOCK, clip.num_samples))
            probabilities, state = await self._detect(clip, span, state)
            for planned in planner.feed(probabilities):
                yield planned
        for planned in planner.finish(clip.num_samples):
            yield planned

    async def _detect(
        self, clip: AudioClip, span: Span, state: DetectorState
    ) -> tuple[Probabilities, DetectorState]:
        return await self._detector.run(lambda model: model.detect(read_samples(clip, span), state))
