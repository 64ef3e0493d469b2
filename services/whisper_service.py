"""Windows of speech to segments: language detection, and many windows at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeAlias

from models import AudioClip, Chunk, ChunkPart, Span, seconds
from options import DecodeOptions
from seams import EncodedWindow, Recogniser
from services.whisper.batcher import BatchSizes, WhisperBatcher
from services.whisper.window_recognition import Contexts, WindowEncoder, WindowRecogniser
from utils.model_manager import ModelSlot
from utils.speech.contexts import FULL, full_context
from utils.speech.speech_map import SpeechMap, SpeechRules
from utils.waiting.concurrency import in_order
from utils.waiting.fair_queue import Flow

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words can lie
LANGUAGE_THRESHOLD = 0.5  # one window decides for a language more probable than this
LANGUAGE_WINDOWS = 3  # otherwise this many windows vote
SHORT = seconds(5)  # the language of a window below this is less certain in a short context

Encoded: TypeAlias = dict[Span, asyncio.Future[EncodedWindow]]
"""Windows in their first context that are encoded already, or will be."""


class WhisperService:
    def __init__(
        self, slot: ModelSlot[Recogniser], sizes: BatchSizes, contexts: Contexts = full_context
    ) -> None:
        self._slot = slot
        self._batcher = WhisperBatcher(slot, sizes)
        self.in_flight = sizes.in_flight(slot.lanes)
        """How many windows of one recording are worked on at once, or wait for it."""
        self._encoder = WindowEncoder(slot, self._batcher, contexts)

    @property
    def lanes(self) -> int:
        """How many windows are worked on at once."""
        return self._slot.lanes

    async def encode(
        self, flow: Flow, clip: AudioClip, window: Span, options: DecodeOptions
    ) -> EncodedWindow:
        """In its first context."""
        return await self._encoder.encode(flow, clip, window, options)

    async def detect_language(
        self,
        flow: Flow,
        clip: AudioClip,
        windows: Sequence[Span],
        options: DecodeOptions,
        encoded: Encoded,
    ) -> str | None:
        """The most probable language of the first windows among the candidates; None in silence. What is
        encoded for it is added to `encoded`, so that `transcribe` need not encode it again."""
        votes: Counter[str] = Counter()
        for window in windows[:LANGUAGE_WINDOWS]:
            if window not in encoded:
                encoded[window] = asyncio.ensure_future(self.encode(flow, clip, window, options))
            states = await encoded[window]
            found = await self._candidates(flow, states, options)
            is_short = window.num_samples < SHORT and self._encoder.contexts(window.num_samples)[0] < FULL
            if not _is_sure(found) and is_short:
                full = await self._encoder.encode(flow, clip, window, options, FULL)
                found = await self._candidates(flow, full, options)
            votes.update(found)
            if _is_sure(found):
                break
        return votes.most_common(1)[0][0] if votes else None

    async def transcribe(
        self,
        flow: Flow,
        clip: AudioClip,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        words: bool,
        encoded: Encoded,
    ) -> AsyncGenerator[ChunkPart]:
        """Yields the segments of each window, in order and in samples of the recording, with their token
        counts; windows in `encoded` are taken out of it and not encoded again.

        If `words` is false, only windows in the overlap with a neighbouring chunk get word timestamps:
        merging needs them.
        """
        recogniser = WindowRecogniser(
            self._encoder, self._batcher, flow, clip, speech, speech.regions(VOICED)
        )

        async def recognise(window: Span) -> ChunkPart:
            known = encoded.pop(window, None)
            return await recogniser.recognise(
                window, await known if known else None, options, words or _is_shared(window, chunk)
            )

        async with aclosing(in_order(map(recognise, windows), self.in_flight)) as parts:
            async for part in parts:
                yield part

    async def _candidates(
        self, flow: Flow, window: EncodedWindow, options: DecodeOptions
    ) -> Mapping[str, float]:
        """The probability of each language that the request allows."""
        probabilities = await self._batcher.language_probabilities(flow, window)
        return {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}


def _is_sure(candidates: Mapping[str, float]) -> bool:
    return max(candidates.values()) > LANGUAGE_THRESHOLD * sum(candidates.values())


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether the window reaches into the overlap with a neighbouring chunk, around either end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last
