"""What a recogniser left out of a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models import Segment, Span, seconds
from tests.builders import segment, words
from utils.words.missed_speech import MIN_MISSED, TAIL, missed_speech

WINDOW = Span(seconds(10), seconds(40))


@st.composite
def speech(draw: st.DrawFn) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, seconds(60)), max_size=12)))
    return [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=False)]


def said_until(second: float) -> list[Segment]:
    return [segment(words("and so on", start=second - 1.5))]


@given(speech(), st.floats(12, 40))
def test_it_is_the_end_of_the_window_and_holds_all_speech_after_the_words(
    voiced: list[Span], second: float
) -> None:
    said = said_until(second)
    rest = missed_speech(said, WINDOW, voiced)
    left = sum(
        min(span.stop, WINDOW.stop) - max(span.start, said[-1].stop)
        for span in voiced
        if span.stop > said[-1].stop and span.start < WINDOW.stop
    )
    if rest is None:
        assert left < MIN_MISSED + TAIL
    else:
        assert left >= MIN_MISSED
        assert said[-1].stop <= rest.start < rest.stop == WINDOW.stop
        before = [span for span in voiced if said[-1].stop < span.stop <= rest.start]
        assert all(span.stop - said[-1].stop < TAIL for span in before)
        assert len(before) <= 1


def test_the_end_of_the_last_word_is_not_heard_again() -> None:
    (said,) = said_until(20)
    word_ends, next_begins = said.stop + seconds(0.2), said.stop + seconds(2)
    voiced = [Span(WINDOW.start, word_ends), Span(next_begins, WINDOW.stop)]
    assert missed_speech([said], WINDOW, voiced) == Span(next_begins, WINDOW.stop)


def test_where_nothing_was_said_nothing_is_left() -> None:
    assert missed_speech([], WINDOW, [WINDOW]) is None
