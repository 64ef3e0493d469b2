"""Puts what was heard again into the text around it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from models import Segment, Span, seconds
from utils.transcript.splicing import Item, items_of, normalised, rebuild

MAX_REPEATED = 2  # words that both hearings have at an edge
FEWEST_LETTERS = 3  # of them together; people do say "no no"
NEAR = seconds(0.5)  # and how close to each other


def insert(segments: Sequence[Segment], found: Sequence[Segment], gap: Span) -> list[Segment]:
    """`segments` with those found in a gap between words; what both say where they meet is kept once."""
    items, inside = items_of(segments), items_of(found)
    before = [item for item in items if item[1].start < gap.start]
    after = items[len(before) :]
    inside = inside[_repeated(before, inside) : len(inside) - _repeated(inside, after)]
    return [*rebuild(segments, before), *rebuild(found, inside), *rebuild(segments, after)]


def _repeated(earlier: Sequence[Item], later: Sequence[Item]) -> int:
    """How many of the last words of `earlier` are the first ones of `later`."""
    if not (earlier and later) or later[0][1].start - earlier[-1][1].stop > NEAR:
        return 0
    ends = [normalised(item) for _, item in earlier[-MAX_REPEATED:]]
    begins = [normalised(item) for _, item in later[:MAX_REPEATED]]
    longest = min(len(ends), len(begins))
    return next((n for n in range(longest, 0, -1) if _are_equal(ends[-n:], begins[:n])), 0)


def _are_equal(earlier: Sequence[str], later: Sequence[str]) -> bool:
    return earlier == later and len("".join(earlier)) >= FEWEST_LETTERS
