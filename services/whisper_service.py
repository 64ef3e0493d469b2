"""Windows of speech to segments: language, sentences."""

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

VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words may be
SURE = 0.5  # a language likelier than this is settled by one window
VOTERS = 3  # otherwise so many windows are asked
MOST_HEARINGS = 4  # of a window; over singing, say, a text may break off at every word

Encoded: TypeAlias = Mapping[Span, EncodedWindow]


class WhisperService:
    def __init__(self, slot: ModelSlot[Recogniser], sizes: BatchSizes) -> None:
        self._slot = slot
        self._batcher = WhisperBatcher(slot, sizes)
        # Windows of a recording: a batch in each lane and one that waits.
        self._most_at_once = (slot.lanes + 1) * sizes.decode

    async def detect_language(
        self, clip: AudioClip, windows: Sequence[Span], options: DecodeOptions
    ) -> tuple[str | None, Encoded]:
        """The likeliest language of the first windows, among its candidates; None in silence. With what
        the encoder made of those windows, so that `transcribe` need not encode them again."""
        votes: Counter[str] = Counter()
        heard: dict[Span, EncodedWindow] = {}
        for window in windows[:VOTERS]:
            heard[window] = await self._encode(clip, window)
            probabilities = await self._slot.run(partial(_language_probabilities, heard[window]))
            known = {code: probabilities.get(code, 0.0) for code in options.languages or probabilities}
            votes.update(known)
            if max(known.values()) > SURE * sum(known.values()):
                break
        return (votes.most_common(1)[0][0] if votes else None), heard

    async def transcribe(
        self,
        clip: AudioClip,
        chunk: Chunk,
        speech: SpeechMap,
        windows: Sequence[Span],
        options: DecodeOptions,
        words: bool,
        heard: Encoded,
    ) -> AsyncGenerator[ChunkPart]:
        """Segments of the windows, in samples of the recording, and what they cost, one by one in order;
        those in `heard` are encoded already.

        Where `words` is false, only the windows that a neighbouring chunk hears too get word times:
        merging needs them.
        """
        voiced = speech.regions(VOICED)

        async def hear(window: Span) -> ChunkPart:
            """Where the recogniser stops before the speech does, it hears the rest once more from there."""
            segments: list[Segment] = []
            counts = TokenCounts()
            rest: Span | None = window
            for _ in range(MOST_HEARINGS):
                if rest is None:
                    break
                encoded = heard.get(rest) or await self._encode(clip, rest)
                text = await self._batcher.decode(clip, encoded, options, words or _is_shared(window, chunk))
                if not text.words and is_sparse(text, rest, voiced):
                    text = await self._batcher.decode(clip, encoded, options, words=True)
                if is_no_speech(text, speech.highest(rest)):
                    text = without_words(text)
                said = cut_segments(text, rest, voiced)
                rest = missed_speech(said, rest, voiced)
                segments += said
                counts += text.counts
            return ChunkPart(tuple(segments), window.stop, counts)

        async with aclosing(in_order(map(hear, windows), self._most_at_once)) as parts:
            async for part in parts:
                yield part

    async def _encode(self, clip: AudioClip, window: Span) -> EncodedWindow:
        return await self._batcher.encode(clip, partial(read_samples, clip, window))


def _language_probabilities(window: EncodedWindow, model: Recogniser) -> dict[str, float]:
    return model.language_probabilities(window)


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether a neighbour hears part of the window: it lies within the overlap on either side of an end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last
