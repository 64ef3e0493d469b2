"""Speech that a recogniser has not put into words. Pure.

Whisper may end a text in the middle of a window, after a pause above all, and say nothing of what comes then.
openai/whisper goes on from the last time that it wrote (`transcribe.py`, seek); here the words' times tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from models import SAMPLE_RATE, Segment, Span, WindowText, seconds

LEAST = seconds(3)  # of speech; a shorter rest may be what the times of words are wrong by
TAIL = seconds(0.5)  # of speech behind a word is its own
# Tokens per second of speech. Of 32 windows of conversations the whole ones have 2.9 and more, three that
# break off 2.5 and 2.6; one too many costs another decoding.
SPARSE = 3.0


def is_sparse(text: WindowText, window: Span, voiced: Sequence[Span]) -> bool:
    """Whether so little is said in the window that some may be missing."""
    spoken = _total(_within(voiced, window))
    return spoken >= LEAST and 0 < len(text.tokens) < SPARSE * spoken / SAMPLE_RATE


def missed_speech(said: Sequence[Segment], window: Span, voiced: Sequence[Span]) -> Span | None:
    """The end of the window, from where there is speech again after all that was said; None where there is
    little, and where nothing was said at all: the recogniser would say the same again."""
    if not said:
        return None
    left = _within(voiced, Span(said[-1].stop, window.stop))
    if left and left[0].start == said[-1].stop and left[0].num_samples < TAIL:
        left = left[1:]
    if _total(left) < LEAST or left[0].start == window.start:
        return None
    return Span(left[0].start, window.stop)


def _within(voiced: Sequence[Span], window: Span) -> list[Span]:
    return [
        Span(max(span.start, window.start), min(span.stop, window.stop))
        for span in voiced
        if span.start < window.stop and span.stop > window.start
    ]


def _total(spans: Sequence[Span]) -> int:
    return sum(span.num_samples for span in spans)
