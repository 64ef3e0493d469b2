"""Speech of a chunk to segments: windows, language, batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Protocol

from models import Audio, AudioClip, Chunk, DecodeOptions, Heard, Span, TokenCounts, WindowText
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.segmentation import cut_segments
from utils.speech_map import SpeechMap, SpeechRules, pack_windows, seconds

WINDOW = seconds(30)  # what Whisper hears at once
WIDEST_GAP = seconds(3)  # a longer pause is not shown to the recogniser, which would fill it with words
RULES = SpeechRules()
VOICED = SpeechRules(min_silence=seconds(0.2), pad=seconds(0.06))  # where words may be
SURE = 0.5  # a language likelier than this is settled by one window
VOTERS = 3  # otherwise so many windows are asked


class Recogniser(Protocol):
    def language_probabilities(self, window: Audio) -> dict[str, float]: ...

    def transcribe(
        self, windows: Sequence[Audio], options: DecodeOptions, words: bool
    ) -> Iterator[list[WindowText] | None]: ...


class WhisperService:
    def __init__(self, slot: ModelSlot[Recogniser], batch_size: int) -> None:
        self._slot = slot
        self._batch_size = batch_size

    async def detect_language(
        self, clip: AudioClip, speech: SpeechMap, candidates: Sequence[str]
    ) -> str | None:
        """The likeliest language of the first windows, among `candidates` if any; None in silence."""
        votes: Counter[str] = Counter()
        for window in pack_windows(speech, RULES, WINDOW, WIDEST_GAP)[:VOTERS]:
            probabilities = await self._probabilities(clip, window)
            known = {code: probabilities.get(code, 0.0) for code in candidates or probabilities}
            votes.update(known)
            if max(known.values()) > SURE * sum(known.values()):
                break
        return votes.most_common(1)[0][0] if votes else None

    async def transcribe(
        self, clip: AudioClip, chunk: Chunk, speech: SpeechMap, options: DecodeOptions, words: bool
    ) -> AsyncGenerator[Heard]:
        """Segments of all the speech that the chunk hears, in samples of the recording, and what they cost,
        batch by batch.

        Where `words` is false, only the windows that a neighbouring chunk hears too get word times:
        merging needs them.
        """
        windows = pack_windows(speech, RULES, WINDOW, WIDEST_GAP)
        voiced = speech.regions(VOICED)
        for batch in _batches(windows, self._batch_size):
            timed = words or any(_is_shared(window, chunk) for window in batch)
            texts = await self._decode(clip, batch, options, timed)
            pairs = zip(batch, texts, strict=True)
            segments = [segment for window, text in pairs for segment in cut_segments(text, window, voiced)]
            counts = sum((text.counts for text in texts), TokenCounts())
            yield Heard(tuple(segments), batch[-1].stop, counts)

    async def _probabilities(self, clip: AudioClip, window: Span) -> dict[str, float]:
        return await self._slot.run(lambda model: model.language_probabilities(read_samples(clip, window)))

    async def _decode(
        self, clip: AudioClip, batch: Sequence[Span], options: DecodeOptions, words: bool
    ) -> list[WindowText]:
        """Step by step, so that a batch that must be tried again does not hold the model meanwhile."""

        def begin(model: Recogniser) -> tuple[Iterator[list[WindowText] | None], list[WindowText] | None]:
            steps = model.transcribe([read_samples(clip, window) for window in batch], options, words)
            return steps, next(steps)

        steps, texts = await self._slot.run(begin)
        while texts is None:
            texts = await self._slot.run(lambda _: next(steps))
        return texts


def _is_shared(window: Span, chunk: Chunk) -> bool:
    """Whether a neighbour hears part of the window: it lies within the overlap on either side of an end."""
    first = chunk.start + (chunk.start - chunk.heard.start)
    last = chunk.stop - (chunk.heard.stop - chunk.stop)
    return window.start < first or window.stop > last


def _batches(windows: Sequence[Span], size: int) -> Iterator[Sequence[Span]]:
    for start in range(0, len(windows), size):
        yield windows[start : start + size]
