"""Chunks merged as they come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models import ChunkResult, Segment, Span
from tests.builders import chunks, result, segment, thorough, word, words
from tests.transcript.overlapping_chunks import cut_anywhere, heard, seeds, spoken
from utils.transcript.segment_merger import SegmentMerger
from utils.transcript.splicing import splice

VOCABULARY = ("the", "a", "of", "It.", "and", "no", "yes", "we?", "go", "on!", "so")


def merge_whole(results: Sequence[ChunkResult]) -> list[Segment]:
    """What merging is, with all chunks available."""
    merged: list[Segment] = []
    tail = list(results[0].segments)
    for left, right in pairwise(results):
        shared = Span(right.chunk.heard.start, left.chunk.heard.stop)
        kept, tail = splice(tail, right.segments, shared, right.chunk.start)
        merged += kept
    return merged + tail


def in_batches(merger: SegmentMerger, of: ChunkResult, rng: random.Random) -> list[Segment]:
    """Fed in any batches; between them no more is promised than holds."""
    count = len(of.segments)
    edges = [0, *sorted(rng.choices(range(count + 1), k=rng.randrange(5))), count]
    settled = []
    for first, last in pairwise(edges):
        later = [min(word.start for word in part.words or (part,)) for part in of.segments[last:]]
        settled += merger.feed(of.chunk, of.segments[first:last], min([*later, of.chunk.heard.stop]))
    return settled + merger.feed(of.chunk, (), of.chunk.heard.stop)


def without_some_words(of: ChunkResult, rng: random.Random) -> ChunkResult:
    """As where word times were not asked for."""
    parts = (replace(part, words=()) if rng.random() < 0.3 else part for part in of.segments)
    return replace(of, segments=tuple(parts))


@thorough
@given(st.integers(1, 150), seeds, st.sampled_from([0.0, 1.0, 8.0]), st.booleans())
def test_merged_bit_by_bit_as_at_once(count: int, seed: int, pauses: float, timed: bool) -> None:
    rng = random.Random(seed)
    said = spoken(rng.choices(VOCABULARY, k=count), rng, 0.2, pauses)
    results = [heard(said, chunk, rng) for chunk in cut_anywhere(said, rng)]
    if not timed:
        results = [without_some_words(of, rng) for of in results]
    merger = SegmentMerger()
    settled = [part for of in results for part in in_batches(merger, of, rng)]
    assert settled + merger.finish() == merge_whole(results)


def test_what_no_other_chunk_hears_is_settled_at_once() -> None:
    left, right = chunks([0, 100, 200], 5)
    early = segment(words("It began.", start=10))
    open_end, near = segment(words("And then", start=30)), segment(words("And then", start=94))
    late = segment(words("It ended.", start=97))
    merger = SegmentMerger()
    assert merger.feed(left, [early, open_end], 40 * 16_000) == [early, open_end]
    assert merger.feed(left, [near], 96 * 16_000) == []
    assert merger.feed(left, [late], left.heard.stop) == []
    assert merger.feed(right, [], 100 * 16_000) == []
    assert merger.feed(right, [], right.heard.stop) == [near, late]


def test_the_last_chunk_keeps_nothing_back_but_a_sentence_that_may_go_on() -> None:
    (only,) = chunks([0, 100], 5)
    parts = [segment(words("It ended.", start=97)), segment(words("And then", start=99))]
    merger = SegmentMerger()
    assert merger.feed(only, result(only, parts).segments, only.heard.stop) == parts[:1]
    assert merger.finish() == parts[1:]


def test_a_sentence_that_may_go_on_waits_for_the_next_chunk() -> None:
    left, right = chunks([0, 100, 200], 1)
    half, other = [word("and", 98.0, 98.4), word("so", 98.4, 98.9)], [word("on.", 99.2, 101.2)]
    merger = SegmentMerger()
    assert merger.feed(left, [segment(half)], left.heard.stop) == []
    assert merger.feed(right, [segment(other)], right.heard.stop) == [segment([*half, *other])]
