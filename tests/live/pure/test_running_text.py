"""The deltas of a turn, window by window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Segment, Word
from tests.live.pure.test_agreement import words
from utils.live.running_text import RunningText, Told


def segment(text: str) -> Segment:
    own = tuple(words(text))
    return Segment(0, 1, "".join(word.text for word in own), own, (), 0, 0.0, 0.0, 1.0, 0.0)


def texts(told: list[Told]) -> str:
    return "".join(piece.text for piece in told)


@pytest.mark.parametrize("adds_up", [True, False])
def test_what_was_not_told_follows_when_the_window_is_settled(adds_up: bool) -> None:
    text = RunningText(adds_up)
    assert text.tell(0, words("good morning"), words("to you")) == [Told("good morning", " to you")]
    assert texts(text.settle(words("good morning"), [segment("good morning to all")])) == " to all"
    assert text.text == "good morning to all"


def test_the_transcript_is_the_judge_and_no_delta_mends_what_was_told() -> None:
    text = RunningText(adds_up=False)
    text.tell(0, words("good mourning"), [])
    assert texts(text.settle(words("good mourning"), [segment("good morning to all")])) == ""
    assert text.text == "good morning to all"


def test_where_deltas_add_up_what_was_told_stays() -> None:
    text = RunningText(adds_up=True)
    text.tell(0, words("good mourning"), [])
    assert texts(text.settle(words("good mourning"), [segment("good morning to all")])) == " to all"
    assert text.text == "good mourning to all"


def test_a_later_window_waits_for_the_text_of_the_one_before() -> None:
    text = RunningText(adds_up=False)
    first = texts(text.tell(0, words("one"), []))
    assert not text.tell(1, words("three"), [])
    assert first + texts(text.settle(words("one"), [segment("one two")])) == "one two three"


def test_text_begins_without_its_space_and_so_does_the_interim() -> None:
    text = RunningText(adds_up=False)
    assert text.tell(0, [], words("hello there")) == [Told("", "hello there")]
    assert text.tell(0, words("hello"), words("there")) == [Told("hello", " there")]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5))
def test_deltas_add_up_where_they_must(windows: list[tuple[str, str]]) -> None:
    text, deltas = RunningText(adds_up=True), ""
    for number, (told, final) in enumerate(windows):
        deltas += texts(text.tell(number, words(told), []))
        deltas += texts(text.settle(words(told), [segment(final)]))
    assert deltas == text.text


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5))
def test_the_transcript_is_what_was_heard_at_the_end(windows: list[tuple[str, str]]) -> None:
    text = RunningText(adds_up=False)
    heard: list[Word] = []
    for number, (told, final) in enumerate(windows):
        text.tell(number, words(told), [])
        text.settle(words(told), [segment(final)])
        heard += words(final)
    assert text.text == "".join(word.text for word in heard).strip()
