"""Detects speech that the recogniser left untranscribed. Pure.

Whisper may end its text in the middle of a window, or jump over a stretch in it, above all after a pause.
openai/whisper resumes from its last timestamp (`transcribe.py`, seek); word times are used here instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from models import Span, Word, seconds

MIN_MISSED = seconds(1.2)  # of speech without a word
TAIL = seconds(0.5)  # shorter speech right after a word belongs to that word
MARGIN = seconds(0.2)  # heard before and after missed speech, where no words are


def missed_speech(words: Sequence[Word], window: Span, voiced: Sequence[Span]) -> list[Span]:
    """Speech of the window between its words, in order; none if there are no words at all, since decoding
    again would give the same result."""
    if not words:
        return []
    starts = [*(word.start for word in words), window.stop]
    stops = [window.start, *(word.stop for word in words)]
    between = (_missed(Span(*ends), voiced) for ends in zip(stops, starts, strict=True))
    return [span for span in between if span]


def halves(span: Span, voiced: Sequence[Span]) -> list[Span]:
    """A span cut in the longest pause of its middle half; none where it has no pause or little speech."""
    speech = _within(voiced, span)
    quarter = span.num_samples // 4
    pauses = [
        Span(before.stop, after.start)
        for before, after in pairwise(speech)
        if before.stop >= span.start + quarter and after.start <= span.stop - quarter
    ]
    if _total(speech) < 2 * MIN_MISSED or not pauses:
        return []
    pause = max(pauses, key=lambda pause: pause.num_samples)
    cut = (pause.start + pause.stop) // 2
    return [Span(span.start, cut), Span(cut, span.stop)]


def _missed(gap: Span, voiced: Sequence[Span]) -> Span | None:
    """From the first speech to the last in a gap between words, if that is much."""
    speech = _within(voiced, gap)
    if speech and speech[0].start == gap.start and speech[0].num_samples < TAIL:
        speech = speech[1:]
    if not speech or _total(speech) < MIN_MISSED:
        return None
    return Span(max(gap.start, speech[0].start - MARGIN), min(gap.stop, speech[-1].stop + MARGIN))


def _within(voiced: Sequence[Span], window: Span) -> list[Span]:
    return [
        Span(max(span.start, window.start), min(span.stop, window.stop))
        for span in voiced
        if span.start < window.stop and span.stop > window.start
    ]


def _total(spans: Sequence[Span]) -> int:
    return sum(span.num_samples for span in spans)
