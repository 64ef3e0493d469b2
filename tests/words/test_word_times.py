"""Times of words set in order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models import Span
from tests.builders import thorough
from utils.words.word_times import SHORTEST_WORD, fit_between, settle

WHOLE = Span(1000, 20_000)
anything = st.builds(Span, st.integers(-5000, 30_000), st.integers(-5000, 30_000))


@thorough
@given(st.lists(anything, min_size=1, max_size=40))
def test_whatever_is_asked_comes_out_ordered_apart_and_inside(spans: list[Span]) -> None:
    settled = settle(spans, WHOLE)
    assert len(settled) == len(spans)
    assert settled[0].start >= WHOLE.start
    assert settled[-1].stop <= WHOLE.stop
    assert all(span.num_samples >= SHORTEST_WORD for span in settled)
    assert all(left.stop <= right.start for left, right in pairwise(settled))


@thorough
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(SHORTEST_WORD, 500)), min_size=1, max_size=20))
def test_what_is_in_order_stays(gaps_and_lengths: list[tuple[int, int]]) -> None:
    spans, at = [], WHOLE.start
    for gap, length in gaps_and_lengths:
        spans.append(Span(at + gap, at + gap + length))
        at += gap + length
    assert settle(spans, WHOLE) == spans


def test_many_words_share_a_short_span() -> None:
    assert settle([Span(0, 0)] * 4, Span(8, 16)) == [Span(8, 10), Span(10, 12), Span(12, 14), Span(14, 16)]
    assert settle([], WHOLE) == []


def test_a_word_that_was_not_found_keeps_its_time_as_far_as_the_others_leave_it() -> None:
    own = [Span(0, 900), Span(1000, 1900), Span(2000, 2900), Span(3000, 3900)]
    assert fit_between(own, [None] * 4) == own
    found = [Span(100, 1200), None, Span(1700, 2950), None]
    assert fit_between(own, found) == [found[0], Span(1200, 1700), found[2], Span(3000, 3900)]
