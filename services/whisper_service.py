"""Windows of speech to segments: language detection, decoding, cutting into sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

from models import AudioClip, Chunk, ChunkPart, Segment, Span, TokenCounts, seconds
from options import DecodeOptions
from seams import EncodedWindow, Recogniser
from services.whisper_batcher import BatchSizes, WhisperBatcher
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.speech.speech_map import SpeechMap, SpeechRules
from utils.waiting.concurrency import in_order
from utils.words.missed_speech import is_sparse, missed_speech
from utils.words.sentences import cut_segments
from utils.words.temperature_ladder import is_no_speech, without_words

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words can lie
LANGUAGE_THRESHOLD = 0.5  # one window decides for a language more probable than this
LANGUAGE_WINDOWS = 3  # otherwise this many windows vote
MAX_PASSES = 4  # over a window; over singing, for example, the text may break off at every word

Encoded: TypeAlias = Mapping[Span, EncodedWindow]


class WhisperService:
    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._slot = slot
        self._batcher = WhisperBatcher(slot, sizes)
        # Windows of one recording in flight: a batch in each lane and one queued.
        self._max_in_flight = (slot.lanes + 1) * sizes.decode

    async def detect_language(
        self, clip: AudioClip, windows: Sequence[Span], options: DecodeOptions
    ) -> tuple[str | None, Encoded]:
        """The most probable language of the first windows among the candidates (None in silence), and the
        windows encoded for it, so that `transcribe` need not encode them again."""
        votes: Counter[str] = Counter()
        encoded: dict[Span, EncodedWindow] = {}
        for window in windows[:LANGUAGE_WINDOWS]:
            encoded[window] = await self._encode(clip, window)
            probabilities = await self._slot.run(partial(_language_probabilities, encoded[window]))
            candidates = {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}
            votes.update(candidates)
            if max(candidates.values()) > LANGUAGE_THRESHOLD * sum(candidates.values()):
                break
        return (votes.most_common(1)[0][0] if votes else None), encoded

    async def transcribe(
        self,
        clip: AudioClip,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        words: bool,
        encoded: Encoded,
    ) -> AsyncGenerator[ChunkPart]:
        """Yields the segments of each window, in order and in samples of the recording, with their token
        counts; windows in `encoded` are not encoded again.

        If `words` is false, only windows in the overlap with a neighbouring chunk get word timestamps:
        merging needs them.
        """
        voiced = speech.regions(VOICED)

        async def recognise(window: Span) -> ChunkPart:
            """If the text ends before the speech does, the rest of the window is decoded again from there."""
            segments: list[Segment] = []
            counts = TokenCounts()
            rest: Span | None = window
            for _ in range(MAX_PASSES):
                if rest is None:
                    break
                states = encoded.get(rest) or await self._encode(clip, rest)
                text = await self._batcher.decode(clip, states, options, words or _is_shared(window, chunk))
                if not text.words and is_sparse(text, rest, voiced):  # word times tell where it breaks off
                    text = await self._batcher.decode(clip, states, options, words=True)
                if is_no_speech(text, speech.highest(rest)):
                    text = without_words(text)
                found = cut_segments(text, rest, voiced)
                rest = missed_speech(found, rest, voiced)
                segments += found
                counts += text.counts
            return ChunkPart(tuple(segments), window.stop, counts)

        async with aclosing(in_order(map(recognise, windows), self._max_in_flight)) as parts:
            async for part in parts:
                yield part

    async def _encode(self, clip: AudioClip, window: Span) -> EncodedWindow:
        return await self._batcher.encode(clip, partial(read_samples, clip, window))


def _language_probabilities(window: EncodedWindow, model: Recogniser) -> dict[str, float]:
    return model.language_probabilities(window)


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether the window reaches into the overlap with a neighbouring chunk, around either end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last
