"""Windows of speech to segments: language detection, decoding, cutting into sentences."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

from models import AudioClip, Chunk, ChunkPart, Segment, Span, TokenCounts, WindowText, seconds
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.batcher import BatchSizes, WhisperBatcher
from utils.audio.log_mel import log_mel
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.speech.contexts import FULL, full_context
from utils.speech.speech_map import SpeechMap, SpeechRules
from utils.waiting.concurrency import in_order
from utils.waiting.fair_queue import Flow
from utils.words.missed_speech import is_sparse, missed_speech
from utils.words.repetition import repeats_its_end
from utils.words.sentences import cut_segments
from utils.words.temperature_ladder import is_doubtful, is_no_speech, without_words

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words can lie
LANGUAGE_THRESHOLD = 0.5  # one window decides for a language more probable than this
LANGUAGE_WINDOWS = 3  # otherwise this many windows vote
SHORT = seconds(5)  # the language of a window below this is less certain in a short context
MAX_PASSES = 4  # over a window; over singing, for example, the text may break off at every word

Encoded: TypeAlias = dict[Span, asyncio.Future[EncodedWindow]]
"""Windows in their first context that are encoded already, or will be."""

Contexts: TypeAlias = Callable[[int], tuple[int, ...]]
"""The padded lengths to encode a window of so many samples with, in turn, until its text is reliable."""


class WhisperService:
    def __init__(
        self, slot: ModelSlot[Recogniser], sizes: BatchSizes, contexts: Contexts = full_context
    ) -> None:
        self._slot = slot
        self._batcher = WhisperBatcher(slot, sizes)
        self.in_flight = sizes.in_flight(slot.lanes)
        """How many windows of one recording are worked on at once, or wait for it."""
        self._contexts = contexts
        self._num_mels: int | None = None

    @property
    def lanes(self) -> int:
        """How many windows are worked on at once."""
        return self._slot.lanes

    async def encode(
        self, flow: Flow, clip: AudioClip, window: Span, options: DecodeOptions
    ) -> EncodedWindow:
        """In its first context."""
        return await self._encode(flow, clip, window, options, self._contexts(window.num_samples)[0])

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
            is_short = window.num_samples < SHORT and self._contexts(window.num_samples)[0] < FULL
            if not _is_sure(found) and is_short:
                full = await self._encode(flow, clip, window, options, FULL)
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
        voiced = speech.regions(VOICED)

        async def encode(span: Span, context: int) -> EncodedWindow:
            known = encoded.pop(span, None)
            return await (known or self._encode(flow, clip, span, options, context))

        async def decode(span: Span, words: bool) -> WindowText:
            *shorter, last = self._contexts(span.num_samples)
            for context in shorter:
                states = await encode(span, context)
                text = await self._batcher.decode(flow, states, options, words, retries=False)
                if _is_reliable(text) and not is_sparse(text, span, voiced):
                    return text
            states = await encode(span, last)
            text = await self._batcher.decode(flow, states, options, words)
            if not text.words and is_sparse(text, span, voiced):  # word times tell where it breaks off
                text = await self._batcher.decode(flow, states, options, words=True)
            return text

        async def recognise(window: Span) -> ChunkPart:
            """If the text ends before the speech does, the rest of the window is decoded again from there."""
            segments: list[Segment] = []
            counts = TokenCounts()
            rest: Span | None = window
            for _ in range(MAX_PASSES):
                if rest is None:
                    break
                text = await decode(rest, words or _is_shared(window, chunk))
                if is_no_speech(text, speech.highest(rest)):
                    text = without_words(text)
                found = cut_segments(text, rest, voiced, options.text_language)
                rest = missed_speech(found, rest, voiced)
                segments += found
                counts += text.counts
            return ChunkPart(tuple(segments), window.stop, counts)

        async with aclosing(in_order(map(recognise, windows), self.in_flight)) as parts:
            async for part in parts:
                yield part

    async def _encode(
        self, flow: Flow, clip: AudioClip, window: Span, options: DecodeOptions, context: int
    ) -> EncodedWindow:
        if self._num_mels is None:
            self._num_mels = await self._slot.run(lambda model: model.num_mels())
        read = partial(_features, clip, window, self._num_mels, context)
        return await self._batcher.encode(flow, read, options)

    async def _candidates(
        self, flow: Flow, window: EncodedWindow, options: DecodeOptions
    ) -> Mapping[str, float]:
        """The probability of each language that the request allows."""
        probabilities = await self._batcher.language_probabilities(flow, window)
        return {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}


def _is_sure(candidates: Mapping[str, float]) -> bool:
    return max(candidates.values()) > LANGUAGE_THRESHOLD * sum(candidates.values())


def _is_reliable(text: WindowText) -> bool:
    """Whether to believe it without another try in a longer context."""
    return bool(text.tokens) and not is_doubtful(text) and not repeats_its_end(text.text)


def _features(clip: AudioClip, window: Span, num_mels: int, context: int) -> WindowFeatures:
    return WindowFeatures(log_mel(read_samples(clip, window), num_mels), window.num_samples, context)


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether the window reaches into the overlap with a neighbouring chunk, around either end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last
