"""Windows of speech to segments: language detection, and many windows at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

from models import Audio, Chunk, ChunkPart, Span, WindowText, seconds
from options import DecodeOptions
from seams import EncodedWindow, Recogniser
from services.whisper.batcher import WhisperBatcher
from services.whisper.window_languages import LanguageDetector, Languages, Turn, WindowLanguages, allowed
from services.whisper.window_recognition import Piece, WindowEncoder, WindowRecogniser
from services.whisper.work_queues import BatchSizes
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSlot
from utils.speech.contexts import Contexts, full_context, longest_window
from utils.speech.speech_map import SpeechMap, SpeechRules
from utils.waiting.concurrency import in_order
from utils.waiting.fair_queue import Flow

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words can lie

NO_TEXT = WindowText("", (), (), 0.0, 0.0, 0.0, 0.0)

Encoded: TypeAlias = dict[Span, asyncio.Future[EncodedWindow]]
"""Windows in their first context that are encoded already, or will be."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a live turn says so far, times in samples from where it was read, and in which language; None if
    nothing was read to tell it from."""

    text: WindowText
    language: str | None


class WhisperService:
    def __init__(
        self, slot: ModelSlot[Recogniser], sizes: BatchSizes, contexts: Contexts = full_context
    ) -> None:
        self._slot = slot
        self._batcher = WhisperBatcher(slot, sizes)
        self.in_flight = sizes.in_flight(slot.lanes)
        """How many windows of one recording are worked on at once, or wait for it."""
        self.longest_window = longest_window(contexts)
        self._encoder = WindowEncoder(slot, self._batcher, contexts)

    @property
    def lanes(self) -> int:
        """How many windows are worked on at once."""
        return self._slot.lanes

    def in_turn(self) -> AbstractContextManager[None]:
        """While a live session is in a turn; files leave a lane to it."""
        return self._batcher.in_turn()

    async def step(self, flow: Flow, read: Callable[[], Audio], options: DecodeOptions) -> Step:
        """One greedy pass, words timed, over what `read` returns, at most 30 s. It is called in a thread of
        the model, once a lane is free, and again if the model crashes, so that a step that waited hears all
        that came meanwhile. The language is detected if the options leave it open."""
        greedy = replace(options, beam_size=1, temperature=0.0)
        encoded = await self._encoder.encode_late(flow, read, greedy)
        if not encoded.num_samples:
            return Step(NO_TEXT, options.language)
        language = options.language
        if language is None:
            found = allowed(await self._batcher.language_probabilities(flow, encoded), options)
            language = max(found, key=found.__getitem__)
        decode = replace(greedy, language=language)
        text = await self._batcher.decode(flow, encoded, decode, words=True, retries=False)
        return Step(text, language)

    async def encode(
        self, flow: Flow, samples: ReadSamples, window: Span, options: DecodeOptions
    ) -> EncodedWindow:
        """In its first context."""
        return await self._encoder.encode(flow, samples, window, options)

    async def detect_language(
        self,
        flow: Flow,
        samples: ReadSamples,
        windows: Sequence[Span],
        options: DecodeOptions,
        encoded: Encoded,
    ) -> str | None:
        """The most probable language of the first windows among the candidates; None in silence. What is
        encoded for it is added to `encoded`, so that `transcribe` need not encode it again."""
        return await LanguageDetector(self._encoder, self._batcher, flow, samples, options).first(
            windows, encoded
        )

    async def transcribe(
        self,
        flow: Flow,
        samples: ReadSamples,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        encoded: Encoded,
        spoken: Languages = (),
    ) -> AsyncGenerator[ChunkPart]:
        """Yields the segments of each window, in order and in samples of the recording, with their token
        counts; windows in `encoded` are taken out of it and not encoded again.

        Where the options leave the language open, it is that of each window, which is cut where it changes;
        `spoken` are the languages before the first window, the latest last.
        """
        voiced = speech.regions(VOICED)
        recogniser = WindowRecogniser(self._encoder, self._batcher, flow, samples, speech, voiced)
        detector = LanguageDetector(self._encoder, self._batcher, flow, samples, options)
        languages = WindowLanguages(detector, speech, voiced, spoken, is_start=chunk.start == 0)

        async def recognise(window: Span, turn: Turn) -> ChunkPart:
            known = encoded.pop(window, None)
            states = await known if known else None
            if options.language:
                pieces = [Piece(window, options.language, states)]
            else:
                pieces = await languages.pieces(window, states, turn)
            found = [await recogniser.recognise(piece, options) for piece in pieces]
            return ChunkPart.joined(found, window.stop)

        work = (recognise(window, languages.follow()) for window in windows)
        async with aclosing(in_order(work, self.in_flight)) as parts:
            async for part in parts:
                yield part
