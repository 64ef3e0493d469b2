"""Puts what was heard again into the text around it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import Segment, Span, Word, seconds
from utils.transcript.splicing import normalised
from utils.words.sentences import with_words

MAX_REPEATED = 2  # words that both hearings have at an edge
FEWEST_LETTERS = 3  # of them together; people do say "no no"
NEAR = seconds(0.5)  # and how close to each other


def insert(segments: Sequence[Segment], found: Sequence[Segment], gap: Span) -> list[Segment]:
    """`segments` with those found in a gap between words; what both say where they meet is kept once."""
    parts = [part for segment in segments for part in _parts(segment, gap)]
    before = [part for part in parts if part.start < gap.start]
    after = parts[len(before) :]
    first = before[-1].words if before else ()
    last = after[0].words if after else ()
    words = [word for segment in found for word in segment.words]
    kept = set(map(id, words[_repeated(first, words) : len(words) - _repeated(words, last)]))
    inside = [
        with_words(segment, own) for segment in found if (own := [w for w in segment.words if id(w) in kept])
    ]
    return [*before, *inside, *after]


def _parts(segment: Segment, gap: Span) -> Iterator[Segment]:
    """The segment, cut where the gap is; as a whole if it has no words."""
    if not segment.words:
        yield segment
        return
    before = [word for word in segment.words if word.start < gap.start]
    for part in (before, segment.words[len(before) :]):
        if part:
            yield segment if len(part) == len(segment.words) else with_words(segment, part)


def _repeated(earlier: Sequence[Word], later: Sequence[Word]) -> int:
    """How many of the last words of `earlier` are the first ones of `later`."""
    if not (earlier and later) or later[0].start - earlier[-1].stop > NEAR:
        return 0
    most = min(MAX_REPEATED, len(earlier), len(later))
    ends = [[normalised(word) for word in words] for words in (earlier[-most:], later[:most])]
    return next((n for n in range(most, 0, -1) if _are_equal(ends[0][-n:], ends[1][:n])), 0)


def _are_equal(earlier: Sequence[str], later: Sequence[str]) -> bool:
    return earlier == later and len("".join(earlier)) >= FEWEST_LETTERS
