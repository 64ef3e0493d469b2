"""What a recogniser left out of a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models import Span, Word, seconds
from tests.builders import thorough, words
from utils.speech.missed_speech import MARGIN, MIN_MISSED, TAIL, halves, missed_speech

WINDOW = Span(seconds(10), seconds(40))


@st.composite
def speech(draw: st.DrawFn) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, seconds(60)), max_size=12)))
    return [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=False)]


@st.composite
def said(draw: st.DrawFn) -> list[Word]:
    """Words of the window, in order, some of them longer than anybody says them."""
    edges = sorted(draw(st.sets(st.integers(WINDOW.start, WINDOW.stop), min_size=2, max_size=16)))
    return [Word(start, stop, " word", 0.9) for start, stop in zip(edges[::2], edges[1::2], strict=False)]


def overlap(spans: list[Span], start: int, stop: int) -> int:
    return sum(max(0, min(span.stop, stop) - max(span.start, start)) for span in spans)


@thorough
@given(said(), speech())
def test_gaps_lie_apart_in_the_window_and_hold_speech_without_words(
    spoken: list[Word], voiced: list[Span]
) -> None:
    gaps = missed_speech(spoken, WINDOW, voiced)
    edges = [WINDOW.start, *(edge for gap in gaps for edge in (gap.start, gap.stop)), WINDOW.stop]
    assert edges == sorted(edges)
    for gap in gaps:
        assert overlap(voiced, gap.start, gap.stop) >= MIN_MISSED
        assert not any(w.start < gap.stop and w.stop > gap.start for w in spoken)


@thorough
@given(said(), speech())
def test_no_pause_between_words_holds_much_speech_that_is_not_a_gap(
    spoken: list[Word], voiced: list[Span]
) -> None:
    gaps = missed_speech(spoken, WINDOW, voiced)
    ends = [WINDOW.start, *(w.stop for w in spoken)]
    for stop, start in zip(ends, [*(w.start for w in spoken), WINDOW.stop], strict=True):
        inside = [
            Span(max(s.start, stop), min(s.stop, start)) for s in voiced if s.start < start and s.stop > stop
        ]
        if overlap(inside, stop, start) >= MIN_MISSED + TAIL:
            assert any(gap.start < start and gap.stop > stop for gap in gaps)


def test_the_end_of_a_word_is_not_heard_again() -> None:
    spoken = words("and so on", start=18.5)
    next_begins = spoken[-1].stop + seconds(2)
    voiced = [Span(WINDOW.start, spoken[-1].stop + seconds(0.2)), Span(next_begins, WINDOW.stop)]
    (before, after) = missed_speech(spoken, WINDOW, voiced)
    assert before == Span(WINDOW.start, spoken[0].start)
    assert after == Span(next_begins - MARGIN, WINDOW.stop)


def test_where_nothing_was_said_nothing_is_left() -> None:
    assert missed_speech([], WINDOW, [WINDOW]) == []


def test_a_gap_is_cut_in_the_longest_pause_near_its_middle() -> None:
    voiced = [Span(seconds(a), seconds(b)) for a, b in ((10, 15), (19, 24), (24.2, 28), (29, 40))]
    first, second = halves(WINDOW, voiced)
    assert first == Span(WINDOW.start, seconds(28.5))
    assert second == Span(seconds(28.5), WINDOW.stop)
    assert halves(WINDOW, [WINDOW]) == []
    assert halves(Span(seconds(27), seconds(30)), voiced) == []
