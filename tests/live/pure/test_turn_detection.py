"""Turns begin with speech, pause, and end after the silence that the rules say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import seconds
from options import SemanticVad, ServerVad, TurnDetection
from utils.live.turn_detection import (
    MIN_SPEECH,
    SUSPICION,
    Began,
    Ended,
    Paused,
    Resumed,
    TurnChange,
    TurnDetector,
    semantic_silence,
)
from utils.speech.speech_map import FRAME

RULES = ServerVad(silence=20 * FRAME)


def changes(probabilities: list[float], rules: TurnDetection = RULES) -> list[tuple[int, TurnChange]]:
    """Each change, and the frame with which it was noticed."""
    detector = TurnDetector(rules)
    return [
        (frame, change)
        for frame, probability in enumerate(probabilities)
        if (change := detector.feed(probability))
    ]


def test_a_turn_begins_pauses_and_ends() -> None:
    found = changes([0.0] * 5 + [0.9] * 30 + [0.0] * 40)
    assert [change for _, change in found] == [Began(5 * FRAME), Paused(35 * FRAME), Ended(35 * FRAME)]
    began, paused, ended = (frame for frame, _ in found)
    assert began == 5 + MIN_SPEECH - 1
    assert paused == 35 + -(-SUSPICION // FRAME) - 1
    assert ended == 35 + 20 - 1


def test_speech_that_goes_on_in_time_resumes_the_turn() -> None:
    found = changes([0.9] * 10 + [0.0] * 15 + [0.9] * 10)
    assert [type(change) for _, change in found] == [Began, Paused, Resumed]


def test_a_click_is_no_turn() -> None:
    assert not changes([0.0] * 5 + [0.9] * (MIN_SPEECH - 1) + [0.0] * 40)


def test_what_is_between_the_thresholds_neither_begins_nor_ends_a_turn() -> None:
    assert not changes([0.4] * 50)
    assert [type(change) for _, change in changes([0.9] * 5 + [0.4] * 200)] == [Began]


def test_a_shorter_silence_may_be_set_while_a_turn_is_open() -> None:
    detector = TurnDetector(SemanticVad(longest=seconds(4)))
    for probability in [0.9] * 10 + [0.0] * 12:
        assert not isinstance(detector.feed(probability), Ended)
    detector.silence = 11 * FRAME
    assert detector.feed(0.0) == Ended(10 * FRAME)


def test_new_speech_sets_the_silence_back() -> None:
    detector = TurnDetector(RULES)
    for probability in [0.9] * 10 + [0.0] * 10:
        detector.feed(probability)
    detector.silence = 15 * FRAME
    found = [change for p in [0.9] * 5 + [0.0] * 19 if (change := detector.feed(p))]
    assert [type(change) for change in found] == [Resumed, Paused]
    assert isinstance(detector.feed(0.0), Ended)


@given(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.9]), max_size=200), st.sampled_from([1, 2, 7, 20]))
def test_changes_follow_each_other_as_a_turn_does(probabilities: list[float], silence: int) -> None:
    allowed = {
        (Began, Paused),
        (Paused, Resumed),
        (Resumed, Paused),
        (Paused, Ended),
        (Began, Ended),
        (Resumed, Ended),
        (Ended, Began),
    }
    found = [change for _, change in changes(probabilities, ServerVad(silence=silence * FRAME))]
    assert all((type(one), type(other)) in allowed for one, other in pairwise(found))
    assert not found or isinstance(found[0], Began)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("That is all.", 0.3),
        ("Is it? ", 0.3),
        ("He said “no.”", 0.3),
        ("これで終わりです。", 0.3),
        ("and then I", 1),
        ("well,", 4),
        ("and then...", 4),
        ("I think—", 4),
        ("", 4),
    ],
)
def test_a_finished_sentence_ends_a_turn_sooner(text: str, expected: float) -> None:
    assert semantic_silence(text, seconds(4)) == seconds(expected)


def test_eagerness_is_the_longest_wait() -> None:
    assert semantic_silence("and then I", seconds(0.5)) == seconds(0.5)
