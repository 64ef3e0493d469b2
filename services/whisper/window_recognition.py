"""One window of speech to segments: encoded, decoded, and decoded again where that is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from models import AudioClip, ChunkPart, Segment, Span, TokenCounts, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.batcher import WhisperBatcher
from utils.audio.log_mel import log_mel
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.speech.speech_map import SpeechMap
from utils.waiting.fair_queue import Flow
from utils.words.missed_speech import is_sparse, missed_speech
from utils.words.repetition import repeats_its_end
from utils.words.sentences import cut_segments
from utils.words.temperature_ladder import is_doubtful, is_no_speech, without_words

MAX_PASSES = 4  # over a window; over singing, for example, the text may break off at every word

Contexts: TypeAlias = Callable[[int], tuple[int, ...]]
"""The padded lengths to encode a window of so many samples with, in turn, until its text is reliable."""


class WindowEncoder:
    """Encodes windows of recordings."""

    def __init__(self, slot: ModelSlot[Recogniser], batcher: WhisperBatcher, contexts: Contexts) -> None:
        self._slot = slot
        self._batcher = batcher
        self._num_mels: int | None = None
        self.contexts = contexts

    async def encode(
        self, flow: Flow, clip: AudioClip, window: Span, options: DecodeOptions, context: int | None = None
    ) -> EncodedWindow:
        """In its first context, unless `context` says another."""
        if self._num_mels is None:
            self._num_mels = await self._slot.run(lambda model: model.num_mels())
        padded = self.contexts(window.num_samples)[0] if context is None else context
        read = partial(_features, clip, window, self._num_mels, padded)
        return await self._batcher.encode(flow, read, options)


@dataclass(frozen=True, slots=True)
class WindowRecogniser:
    """Recognises the windows of one chunk. `voiced` are the tight spans of its speech."""

    encoder: WindowEncoder
    batcher: WhisperBatcher
    flow: Flow
    clip: AudioClip
    speech: SpeechMap
    voiced: Sequence[Span]

    async def recognise(
        self, window: Span, encoded: EncodedWindow | None, options: DecodeOptions, words: bool
    ) -> ChunkPart:
        """Segments in samples of the recording; `encoded` is the window in its first context, if known.
        If the text ends before the speech does, the rest of the window is decoded again from there."""
        segments: list[Segment] = []
        counts = TokenCounts()
        rest: Span | None = window
        for _ in range(MAX_PASSES):
            if rest is None:
                break
            text = await self._decode(rest, encoded if rest == window else None, options, words)
            if is_no_speech(text, self.speech.highest(rest)):
                text = without_words(text)
            found = cut_segments(text, rest, self.voiced, options.text_language)
            rest = missed_speech(found, rest, self.voiced)
            segments += found
            counts += text.counts
        return ChunkPart(tuple(segments), window.stop, counts)

    async def _decode(
        self, span: Span, encoded: EncodedWindow | None, options: DecodeOptions, words: bool
    ) -> WindowText:
        *shorter, last = self.encoder.contexts(span.num_samples)
        for context in shorter:
            states = encoded or await self.encoder.encode(self.flow, self.clip, span, options, context)
            encoded = None
            text = await self.batcher.decode(self.flow, states, options, words, retries=False)
            if _is_reliable(text) and not is_sparse(text, span, self.voiced):
                return text
        states = encoded or await self.encoder.encode(self.flow, self.clip, span, options, last)
        text = await self.batcher.decode(self.flow, states, options, words)
        if not text.words and is_sparse(text, span, self.voiced):  # word times tell where it breaks off
            text = await self.batcher.decode(self.flow, states, options, words=True)
        return text


def _is_reliable(text: WindowText) -> bool:
    """Whether to believe it without another try in a longer context."""
    return bool(text.tokens) and not is_doubtful(text) and not repeats_its_end(text.text)


def _features(clip: AudioClip, window: Span, num_mels: int, context: int) -> WindowFeatures:
    return WindowFeatures(log_mel(read_samples(clip, window), num_mels), window.num_samples, context)
