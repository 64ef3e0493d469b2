"""Detects speech that the recogniser left untranscribed. Pure.

Whisper may end its text in the middle of a window, above all after a pause, and omit the rest. openai/whisper
resumes from its last timestamp (`transcribe.py`, seek); word times are used here instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from models import SAMPLE_RATE, Segment, Span, WindowText, seconds

MIN_MISSED = seconds(3)  # of speech; a shorter remainder may be an error of the word times
TAIL = seconds(0.5)  # shorter speech right after a word belongs to that word
# Tokens per second of speech. Of 32 windows of conversations the complete ones have 2.9 and more, three
# truncated ones 2.5 and 2.6; a false alarm costs another decode.
MIN_TOKEN_RATE = 3.0


def is_sparse(text: WindowText, window: Span, voiced: Sequence[Span]) -> bool:
    """Whether the window has so few tokens for its speech that some may be missing."""
    speech = _total(_within(voiced, window))
    return speech >= MIN_MISSED and 0 < len(text.tokens) < MIN_TOKEN_RATE * speech / SAMPLE_RATE


def missed_speech(segments: Sequence[Segment], window: Span, voiced: Sequence[Span]) -> Span | None:
    """The end of the window, from the first speech after the last segment. None if little speech is left or
    there are no segments at all: decoding again would give the same result."""
    if not segments:
        return None
    rest = _within(voiced, Span(segments[-1].stop, window.stop))
    if rest and rest[0].start == segments[-1].stop and rest[0].num_samples < TAIL:
        rest = rest[1:]
    if _total(rest) < MIN_MISSED or rest[0].start == window.start:
        return None
    return Span(rest[0].start, window.stop)


def _within(voiced: Sequence[Span], window: Span) -> list[Span]:
    return [
        Span(max(span.start, window.start), min(span.stop, window.stop))
        for span in voiced
        if span.start < window.stop and span.stop > window.start
    ]


def _total(spans: Sequence[Span]) -> int:
    return sum(span.num_samples for span in spans)
