"""Detects speech that the recogniser left untranscribed. Pure.

Whisper may end its text in the middle of a window, or jump over a stretch in it, above all after a pause.
openai/whisper resumes from its last timestamp (`transcribe.py`, seek); word times are used here instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from models import Span, Word, seconds
from utils.speech.speech_map import halved, within

MIN_MISSED = seconds(1.2)  # of speech without a word
TAIL = seconds(0.5)  # shorter speech right after a word belongs to that word
MARGIN = seconds(0.2)  # heard before and after missed speech, where no words are


def missed_speech(words: Sequence[Word], window: Span, voiced: Sequence[Span]) -> list[Span]:
    """Speech of the window between its words, in order; none if there are no words at all, since decoding
    again would give the same result."""
    if not words:
        return []
    speech = within(voiced, window)  # the gaps are many, and what is voiced is that of a whole chunk
    starts = [*(word.start for word in words), window.stop]
    stops = [window.start, *(word.stop for word in words)]
    between = (_missed(Span(*ends), speech) for ends in zip(stops, starts, strict=True))
    return [span for span in between if span]


def halves(span: Span, voiced: Sequence[Span]) -> list[Span]:
    """A span cut in a pause near its middle; nothing where it has no pause or little speech."""
    speech = within(voiced, span)
    return halved(span, speech) if _total(speech) >= 2 * MIN_MISSED else []


def _missed(gap: Span, voiced: Sequence[Span]) -> Span | None:
    """From the first speech to the last in a gap between words, if that is much."""
    speech = within(voiced, gap)
    if speech and speech[0].start == gap.start and speech[0].num_samples < TAIL:
        speech = speech[1:]
    if not speech or _total(speech) < MIN_MISSED:
        return None
    return Span(max(gap.start, speech[0].start - MARGIN), min(gap.stop, speech[-1].stop + MARGIN))


def _total(spans: Sequence[Span]) -> int:
    return sum(span.num_samples for span in spans)
