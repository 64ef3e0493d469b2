"""Where the words of a window lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Span, Word, seconds
from tests.builders import thorough, word
from utils.words.placement import longest, place_word

OFFSET = seconds(10)


def placed(of: Word, *voiced: tuple[float, float]) -> tuple[float, float]:
    found = place_word(of, OFFSET, [Span(OFFSET + seconds(a), OFFSET + seconds(b)) for a, b in voiced])
    return (found.start - OFFSET) / seconds(1), (found.stop - OFFSET) / seconds(1)


def test_a_word_does_not_reach_into_the_silence_around_it() -> None:
    assert placed(word("one", 0.8, 1.3), (0, 0.5), (0.9, 1.2), (1.4, 3)) == (0.9, 1.2)


def test_a_word_is_where_it_ends() -> None:
    """Alignment lets it begin where the word before ends, ahead of the pause."""
    assert placed(word("I", 0.7, 1.1), (0, 1.0), (1.02, 3)) == (1.02, 1.1)
    assert placed(word("I", 0.7, 1.05), (0, 1.0), (1.02, 3)) == (0.7, 1.0)  # a few hundredths are no word


def test_what_is_longer_than_people_take_has_only_its_end() -> None:
    begins, ends = placed(word("asked", 2, 9), (0, 10))
    assert ends == 9
    assert 8 < begins < 8.7
    assert placed(word("asked", 2, 2.6), (0, 10)) == (2, 2.6)


def test_a_number_takes_longer_than_its_figures() -> None:
    assert placed(word("1998", 2, 3.6), (0, 10)) == (2, 3.6)


def test_a_word_where_no_speech_was_heard_keeps_its_time() -> None:
    assert placed(word("hm.", 5, 5.2), (0, 1)) == pytest.approx((5, 5.2))


@thorough
@given(st.integers(0, 200_000), st.integers(0, 200_000), st.lists(st.integers(0, 600_000), unique=True))
def test_it_stays_within_its_own_time(start: int, length: int, edges: list[int]) -> None:
    ordered = sorted(edges)
    voiced = [Span(a, b) for a, b in zip(ordered[::2], ordered[1::2], strict=False)]
    found = place_word(Word(start, start + length, " word", 0.9), OFFSET, voiced)
    assert start + OFFSET <= found.start <= found.stop <= start + length + OFFSET
    assert found.stop - found.start <= longest(" word")
    inside = [span for span in voiced if span.start < found.stop and span.stop > found.start]
    assert len(inside) <= 1 or found.stop - found.start <= 0
