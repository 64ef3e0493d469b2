"""Forced alignment: better word timestamps from a CTC model, one segment at a time."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Protocol

from exceptions import ModelFailedError
from models import SAMPLE_RATE, AudioClip, Segment, Span
from seams import CtcModel
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot
from utils.words.ctc_viterbi import TokenSpan
from utils.words.spelling import spell
from utils.words.word_times import fit_between, settle

logger = logging.getLogger(__name__)

MARGIN = SAMPLE_RATE * 3 // 10  # how far beyond its own times a segment's words are searched
LOWEST_SCORE = math.log(0.03)  # mean per letter; a word that scores less keeps the recogniser's time


class Aligner(Protocol):
    async def align(
        self, clip: AudioClip, segments: Sequence[Segment], language: str | None
    ) -> list[Segment]:
        """The same segments and words, with better times; `language` is that of the text, None for that of
        each segment."""


class AlignmentService:
    def __init__(self, slot: ModelSlot[CtcModel]) -> None:
        self._slot = slot

    async def align(
        self, clip: AudioClip, segments: Sequence[Segment], language: str | None
    ) -> list[Segment]:
        """Words keep the recogniser's times if the model fails on their segment or scores them too low;
        segments without words are unchanged.

        Raises ModelUnavailableError.
        """
        spans: list[Span] = []
        for index, segment in enumerate(segments):
            reach = _reach(segments, index, clip)
            found = await self._find(clip, segment, reach, language or segment.language or "")
            spans += fit_between([Span(word.start, word.stop) for word in segment.words], found)
        settled = iter(settle(spans, Span(0, clip.num_samples)))
        return [_retimed(segment, list(islice(settled, len(segment.words)))) for segment in segments]

    async def _find(self, clip: AudioClip, segment: Segment, reach: Span, language: str) -> list[Span | None]:
        words = [word.text for word in segment.words]
        if not words:
            return []
        try:
            return await self._slot.run(partial(_find_words, clip, reach, words, language))
        except ModelFailedError:
            logger.warning("alignment failed on a segment, which keeps the recogniser's times")
            return [None] * len(words)


def _reach(segments: Sequence[Segment], index: int, clip: AudioClip) -> Span:
    """The segment with a margin on either side that stops at its neighbours."""
    segment = segments[index]
    before = segments[index - 1].stop if index else 0
    after = segments[index + 1].start if index + 1 < len(segments) else clip.num_samples
    return Span(
        min(segment.start, max(before, segment.start - MARGIN)),
        max(segment.stop, min(after, segment.stop + MARGIN)),
    )


def _find_words(
    clip: AudioClip, reach: Span, words: Sequence[str], language: str, model: CtcModel
) -> list[Span | None]:
    spelling = spell(words, language, model.alphabet())
    tokens = model.align(read_samples(clip, reach), spelling.tokens) if spelling.tokens else None
    if tokens is None:
        return [None] * len(words)
    return [_word_span(tokens[own.start : own.stop], reach.start) for own in spelling.words]


def _word_span(tokens: Sequence[TokenSpan], offset: int) -> Span | None:
    if not tokens or sum(token.score for token in tokens) < LOWEST_SCORE * len(tokens):
        return None
    return Span(offset + tokens[0].start, offset + tokens[-1].stop)


def _retimed(segment: Segment, spans: Sequence[Span]) -> Segment:
    if not spans:
        return segment
    words = tuple(
        replace(word, start=span.start, stop=span.stop)
        for word, span in zip(segment.words, spans, strict=True)
    )
    return replace(segment, start=spans[0].start, stop=spans[-1].stop, words=words)
