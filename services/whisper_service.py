"""Windows of speech to segments: language detection, decoding, cutting into sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

import numpy as np

from models import Audio, AudioClip, Chunk, ChunkPart, Segment, Span, TokenCounts, WindowText, seconds
from options import DecodeOptions
from seams import EncodedWindow, Recogniser
from services.whisper_batcher import BatchSizes, WhisperBatcher
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.speech.speech_map import SpeechMap, SpeechRules
from utils.waiting.concurrency import in_order
from utils.waiting.fair_queue import Flow
from utils.words.missed_speech import is_sparse, missed_speech
from utils.words.sentences import cut_segments
from utils.words.temperature_ladder import is_no_speech, without_words

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words can lie
LANGUAGE_THRESHOLD = 0.5  # one window decides for a language more probable than this
LANGUAGE_WINDOWS = 3  # otherwise this many windows vote
SHORT = seconds(5)  # the language of a window below this is less certain in a short context
WINDOW = seconds(30)  # what the encoder was trained on
MAX_PASSES = 4  # over a window; over singing, for example, the text may break off at every word

Encoded: TypeAlias = dict[Span, EncodedWindow]


class WhisperService:
    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._batcher = WhisperBatcher(slot, sizes)
        self._max_in_flight = sizes.in_flight(slot.lanes)  # windows of one recording

    async def detect_language(
        self, flow: Flow, clip: AudioClip, windows: Sequence[Span], options: DecodeOptions
    ) -> tuple[str | None, Encoded]:
        """The most probable language of the first windows among the candidates (None in silence), and the
        windows encoded for it, so that `transcribe` need not encode them again."""
        votes: Counter[str] = Counter()
        encoded: Encoded = {}
        for window in windows[:LANGUAGE_WINDOWS]:
            encoded[window] = await self._encode(flow, clip, window, options)
            found = await self._candidates(flow, encoded[window], options)
            if not _is_sure(found) and window.stop - window.start < SHORT:
                full = await self._batcher.encode(flow, partial(_padded, clip, window), options)
                found = await self._candidates(flow, full, options)
            votes.update(found)
            if _is_sure(found):
                break
        return (votes.most_common(1)[0][0] if votes else None), encoded

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

        async def decode(span: Span, words: bool) -> WindowText:
            states = encoded.pop(span, None) or await self._encode(flow, clip, span, options)
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

        async with aclosing(in_order(map(recognise, windows), self._max_in_flight)) as parts:
            async for part in parts:
                yield part

    async def _encode(
        self, flow: Flow, clip: AudioClip, window: Span, options: DecodeOptions
    ) -> EncodedWindow:
        return await self._batcher.encode(flow, partial(read_samples, clip, window), options)

    async def _candidates(
        self, flow: Flow, window: EncodedWindow, options: DecodeOptions
    ) -> Mapping[str, float]:
        """The probability of each language that the request allows."""
        probabilities = await self._batcher.language_probabilities(flow, window)
        return {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}


def _is_sure(candidates: Mapping[str, float]) -> bool:
    return max(candidates.values()) > LANGUAGE_THRESHOLD * sum(candidates.values())


def _padded(clip: AudioClip, window: Span) -> Audio:
    """With silence to the length that no recogniser shortens, for the language alone."""
    samples = read_samples(clip, window)
    return np.pad(samples, (0, WINDOW - len(samples)))


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether the window reaches into the overlap with a neighbouring chunk, around either end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last
