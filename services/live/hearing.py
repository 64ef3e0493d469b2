"""Hears the open chunk of a session and tells its speakers apart, with any diarizer."""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np

from models import SAMPLE_RATE, ChunkSpeakers, Span
from options import SpeakerCount
from services.diarization_service import Diarizer, VoiceHearing, tell_apart
from utils.audio_utils import ReadSamples
from utils.live.heard_chunk import UNSURE, HeardChunk
from utils.speakers.local_speakers import WINDOW
from utils.speech.speech_map import SpeechMap


class ChunkHearing(Protocol):
    """The part of a session that is told apart as one. A call that fails changes nothing."""

    each: int
    """Samples of new speech after which it is worth the time to tell apart again."""
    longest: int
    """Samples of a chunk."""

    @property
    def start(self) -> int: ...

    @property
    def needs_from(self) -> int:
        """The first sample that may still be read."""

    async def hear(self, speech: SpeechMap, until: int, is_pause: bool) -> None:
        """What is new up to `until`; `is_pause` if nobody speaks there."""

    async def tell_apart(self, count: SpeakerCount) -> ChunkSpeakers: ...

    def pass_silence(self, speech: SpeechMap, until: int) -> None:
        """Nobody speaks between what was heard and `until`."""

    def forget(self, before: int) -> None:
        """Begin a new chunk with what was heard from `before` on."""


def chunk_hearing(diarizer: Diarizer, read: ReadSamples) -> ChunkHearing:
    if diarizer.hearing:
        return IncrementalHearing(diarizer.hearing, read)
    return RepeatedHearing(diarizer, read)


class IncrementalHearing:
    """Each window and each voice is heard once."""

    each = 2 * SAMPLE_RATE
    longest = 120 * SAMPLE_RATE

    def __init__(self, networks: VoiceHearing, read: ReadSamples) -> None:
        self._networks = networks
        self._read = read
        self._chunk = HeardChunk.from_sample(0)
        self._is_start = True

    @property
    def start(self) -> int:
        return self._chunk.heard.start

    @property
    def needs_from(self) -> int:
        return self.start if self._is_start else max(self.start, self._chunk.heard.stop - WINDOW)

    async def hear(self, speech: SpeechMap, until: int, is_pause: bool) -> None:
        chunk = HeardChunk.from_sample(self.start) if self._is_start else self._chunk
        starts = chunk.plan_windows(speech, until)
        chunk = chunk.with_windows(speech, until)
        windows = await self._networks.segment(self._read, chunk.heard, starts, chunk.speech)
        chunk = chunk.with_windows(speech, until, windows)
        planned = await asyncio.to_thread(chunk.plan_voices, until if is_pause else until - UNSURE)
        rows = await self._networks.embed(self._read, planned.stretches, planned.samples)
        self._go_on(chunk.with_voices(planned, rows))

    async def tell_apart(self, count: SpeakerCount) -> ChunkSpeakers:
        return await asyncio.to_thread(_tell_apart, self._chunk, count)

    def pass_silence(self, speech: SpeechMap, until: int) -> None:
        self._go_on(self._chunk.after_silence(speech, until))

    def forget(self, before: int) -> None:
        self._go_on(self._chunk.since(before))

    def _go_on(self, chunk: HeardChunk) -> None:
        self._chunk = chunk
        self._is_start = chunk.is_start and (self._is_start or not chunk.windows.starts)


class RepeatedHearing:
    """The whole chunk is diarized again, for networks that cannot go on from what they heard. So it is
    shorter, and told apart less often."""

    each = 5 * SAMPLE_RATE
    longest = 60 * SAMPLE_RATE

    def __init__(self, diarizer: Diarizer, read: ReadSamples) -> None:
        self._diarizer = diarizer
        self._read = read
        self._speech = SpeechMap(0, 0, np.zeros(0, np.float32))

    @property
    def start(self) -> int:
        return self._speech.start

    @property
    def needs_from(self) -> int:
        return self.start

    async def hear(self, speech: SpeechMap, until: int, is_pause: bool) -> None:  # noqa: ARG002
        self.pass_silence(speech, until)

    async def tell_apart(self, count: SpeakerCount) -> ChunkSpeakers:
        heard = Span(self._speech.start, self._speech.stop)
        return await self._diarizer.diarize(self._read, heard, self._speech, count)

    def pass_silence(self, speech: SpeechMap, until: int) -> None:
        self._speech = self._speech.continued(speech, until)

    def forget(self, before: int) -> None:
        self._speech = self._speech.since(before)


def _tell_apart(chunk: HeardChunk, count: SpeakerCount) -> ChunkSpeakers:
    if chunk.embeddings is None:
        return ChunkSpeakers()
    return tell_apart(chunk.local_speakers(), chunk.samples, chunk.embeddings, count)
