"""What no line break of subtitles divides: words with their marks, from the recogniser's pieces. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from models import SAMPLE_RATE, Segment, Word
from utils.answers.line_breaks import (
    MAX_LINE,
    VISIBLE,
    clean,
    columns,
    cut_long,
    ends_phrase,
    inner_breaks,
    may_break,
)
from utils.words.sentences import CLOSERS, SENTENCE_ENDS

MAX_PAUSE = SAMPLE_RATE  # a longer pause ends a cue
MAX_DURATION = 7 * SAMPLE_RATE  # of a cue
CLAUSE_ENDS = (",", ";", ":", "，", "、", "；", "：", "—", "–", "،", "؛")

SURE_SENTENCE_ENDS = tuple(
    mark for mark in SENTENCE_ENDS if mark != "."
)  # a full stop inside a segment is none

SENTENCE, CLAUSE, WORD, PHRASE, UNSPACED, INSIDE = 0.0, 1.0, 1.5, 1.75, 3.0, 5.0
"""Costs of a break after a sentence, a clause or a word; in text without spaces, likely between words or not;
and inside a word."""

_PART = re.compile(r"[^ ]+")


@dataclass(frozen=True, slots=True)
class Unit:
    """Times in samples, `width` in columns. `break_cost` is that of a break before it."""

    text: str
    start: int
    stop: int
    width: float
    has_space: bool
    """Whether a space separates it from the unit before."""
    break_cost: float


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    start: int
    stop: int
    has_space: bool

    def time_at(self, offset: int) -> int:
        """When a character is said, supposing that all take equally long."""
        return self.start + (self.stop - self.start) * offset // len(self.text)


def units_of(segment: Segment) -> list[Unit]:
    """What is invisible is left out. Times in a segment without words are estimated."""
    words = segment.words or (Word(segment.start, segment.stop, segment.text, 0.0),)
    units: list[Unit] = []
    for pieces in _unbroken(_pieces(words)):
        for number, (text, start, stop) in enumerate(_cut(pieces)):
            has_space = pieces[0].has_space and number == 0
            if not units:
                cost = SENTENCE
            elif number:
                cost = INSIDE
            else:
                cost = _break_cost(units[-1].text, text, has_space)
            if VISIBLE.search(text):
                units.append(Unit(text, start, stop, columns(text), has_space, cost))
    return units


def _break_cost(before: str, after: str, has_space: bool) -> float:
    last = before.rstrip(CLOSERS)
    if last.endswith(SURE_SENTENCE_ENDS):
        return SENTENCE
    if last.endswith(CLAUSE_ENDS):
        return CLAUSE
    if has_space:
        return WORD
    return PHRASE if ends_phrase(before, after) else UNSPACED


def _pieces(words: Iterable[Word]) -> Iterator[_Piece]:
    """Words split at spaces and, if longer than a line, wherever they may break."""
    has_space = False
    for word in words:
        text = clean(word.text)
        has_space |= text.startswith(" ")
        whole = _Piece(text.strip(), word.start, max(word.start, word.stop), has_space)
        for part in _PART.finditer(whole.text):
            breaks = inner_breaks(part[0]) if columns(part[0]) > MAX_LINE else []
            for start, stop in pairwise([0, *breaks, len(part[0])]):
                first, last = part.start() + start, part.start() + stop
                spaced = start == 0 and (has_space or part.start() > 0)
                yield _Piece(whole.text[first:last], whole.time_at(first), whole.time_at(last), spaced)
        has_space = text.endswith(" ") or (has_space and not whole.text)


def _unbroken(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces between two places where a line may break. A long pause is such a place."""
    group: list[_Piece] = []
    for piece in pieces:
        if group and (
            piece.start - group[-1].stop > MAX_PAUSE
            or piece.stop - group[0].start > MAX_DURATION
            or may_break(_joined(group), piece.text, piece.has_space)
        ):
            yield group
            group = []
        if group or VISIBLE.search(piece.text):
            group.append(piece)
    if group:
        yield group


def _joined(pieces: Sequence[_Piece]) -> str:
    return "".join(" " * (number > 0 and piece.has_space) + piece.text for number, piece in enumerate(pieces))


def _cut(pieces: Sequence[_Piece]) -> Iterator[tuple[str, int, int]]:
    """Text, start and stop of what a line can hold: all of the pieces together, if it can."""
    text = _joined(pieces)
    lengths = [len(piece.text) + piece.has_space for piece in pieces]
    offsets = [0, *accumulate([lengths[0] - pieces[0].has_space, *lengths[1:]])]

    def time_at(offset: int) -> int:
        index = bisect_right(offsets, offset, hi=len(pieces)) - 1
        piece = pieces[index]
        return piece.time_at(
            min(max(0, offset - offsets[index] - (index > 0 and piece.has_space)), len(piece.text))
        )

    cuts = [0, *cut_long(text), len(text)]
    for first, last in pairwise(cuts):
        stop = pieces[-1].stop if last == len(text) else time_at(last)
        yield text[first:last].strip(), time_at(first), stop
