"""Where a word of a window lies in the recording. Pure.

Attention alignment leaves no gaps between words: whatever lies between two of them, a pause or speech that
the recogniser left out, lengthens the second, whose end alone can be trusted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from models import Span, Word, seconds

# How long people take to say a word: at most, and usually, each for any word and for each letter of it.
LONGEST, LONGEST_LETTER = seconds(0.35), seconds(0.07)
USUAL, USUAL_LETTER = seconds(0.15), seconds(0.06)
LETTERS_IN_DIGIT = 5
MIN_SHARE = seconds(0.06)  # of a word after a pause, for it to be there


def place_word(word: Word, offset: int, voiced: Sequence[Span]) -> Word:
    """The word in samples of the recording, no longer than people take, clipped to the speech in which it
    ends."""
    start, stop = _shortened(word)
    start, stop = start + offset, stop + offset
    first = max(0, bisect_right(voiced, start, key=lambda span: span.start) - 1)
    last = bisect_left(voiced, stop, key=lambda span: span.start)
    touched = [span for span in voiced[first:last] if _shared(span, start, stop) > 0]
    if touched:
        ends = _shared(touched[-1], start, stop) >= MIN_SHARE
        own = touched[-1] if ends else max(touched, key=lambda span: _shared(span, start, stop))
        start, stop = max(start, own.start), min(stop, own.stop)
    return replace(word, start=start, stop=stop)


def longest(text: str) -> int:
    """The longest time that saying a word takes."""
    return LONGEST + LONGEST_LETTER * _letters(text)


def _shortened(word: Word) -> tuple[int, int]:
    if word.stop - word.start <= longest(word.text):
        return word.start, word.stop
    return word.stop - USUAL - USUAL_LETTER * _letters(word.text), word.stop


def _letters(text: str) -> int:
    return sum(LETTERS_IN_DIGIT if letter.isdigit() else 1 for letter in text.strip())


def _shared(span: Span, start: int, stop: int) -> int:
    return min(stop, span.stop) - max(start, span.start)
