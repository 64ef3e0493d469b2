"""Words are told once two hypotheses agree on them, and never again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE, Word, seconds
from options import Delay
from utils.live.agreement import DELAYS, Agreement, after

MEDIUM = DELAYS[Delay.MEDIUM]


def words(text: str, start: float = 0.0) -> list[Word]:
    """One word a second."""
    return [
        Word(seconds(start + n), seconds(start + n + 0.9), f" {word}", 1.0)
        for n, word in enumerate(text.split())
    ]


def said(found: list[Word]) -> str:
    return "".join(word.text for word in found)


def test_nothing_is_told_before_two_hypotheses_agree() -> None:
    agreement = Agreement(MEDIUM)
    assert not agreement.feed(words("the quick brown"), seconds(5))
    assert said(agreement.feed(words("the quick browser"), seconds(6))) == " the quick"
    assert [word.text for word in agreement.rest] == [" browser"]


def test_marks_and_capitals_are_no_disagreement() -> None:
    agreement = Agreement(MEDIUM)
    agreement.feed(words("Well, hello there."), seconds(5))
    assert said(agreement.feed(words("well hello there my"), seconds(5))) == " well hello there"


def test_a_word_at_the_edge_waits() -> None:
    agreement = Agreement(MEDIUM)
    agreement.feed(words("one two"), seconds(2))
    assert said(agreement.feed(words("one two"), seconds(2))) == " one"
    assert said(agreement.feed(words("one two"), seconds(3))) == " two"


def test_a_hypothesis_that_spells_told_words_otherwise_goes_on_after_them() -> None:
    agreement = Agreement(MEDIUM)
    agreement.feed(words("I am here now"), seconds(9))
    assert said(agreement.feed(words("I am here now"), seconds(9))) == " I am here now"
    later = [*words("I'm here"), *words("now we go on", 3)]
    agreement.feed(later, seconds(9))
    assert said(agreement.feed(later, seconds(9))) == " we go on"


def test_a_repeated_word_is_found_by_its_time() -> None:
    told = words("no no")
    assert said(list(after(told, words("no no no no")))) == " no no"


def test_a_word_of_little_probability_waits_longer() -> None:
    agreement = Agreement(MEDIUM)
    one, two = words("one two")
    heard = [one, replace(two, probability=0.3)]
    agreement.feed(heard, seconds(2.9))
    assert said(agreement.feed(heard, seconds(2.9))) == " one"
    assert said(agreement.feed(heard, seconds(3.2))) == " two"


def test_without_agreement_words_are_told_by_their_place_alone() -> None:
    agreement = Agreement(DELAYS[Delay.MINIMAL])
    assert said(agreement.feed(words("one two three"), seconds(2.4))) == " one two"


@given(st.lists(st.text("abc ", max_size=20), max_size=8), st.sampled_from(list(DELAYS)))
def test_each_word_is_told_once_and_from_the_latest_hypothesis(texts: list[str], delay: Delay) -> None:
    agreement, told = Agreement(DELAYS[delay]), []
    for text in texts:
        hypothesis = words(text)
        new = agreement.feed(hypothesis, 100 * SAMPLE_RATE)
        assert said(hypothesis).endswith(said(new) + said(list(agreement.rest)))
        told += new
        assert list(agreement.told) == told
