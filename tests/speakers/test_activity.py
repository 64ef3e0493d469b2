"""Seats to turns that may overlap, and where a voice is alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import Span, SpeakerTurn, seconds
from tests.builders import thorough, turn
from utils.speakers.activity import Activity, ActivityRules, seat_turns, solo_spans, speaking_time

FRAME = 1280
BARE = ActivityRules(onset=0.5, offset=0.3, pad_before=0, pad_after=0, min_speech=0, min_silence=0)

rules = st.builds(
    ActivityRules,
    onset=st.just(0.5),
    offset=st.sampled_from([0.3, 0.5, 1.0]),
    pad_before=st.integers(0, 2 * FRAME),
    pad_after=st.integers(0, 2 * FRAME),
    min_speech=st.integers(0, 2 * FRAME),
    min_silence=st.integers(0, 3 * FRAME),
)


@st.composite
def activities(draw: st.DrawFn) -> Activity:
    seats = draw(st.integers(1, 4))
    runs = st.tuples(
        st.lists(st.sampled_from([0.0, 0.4, 0.6, 1.0]), min_size=seats, max_size=seats), st.integers(1, 8)
    )
    drawn = draw(st.lists(runs, min_size=1, max_size=8))
    return np.repeat(np.array([row for row, _ in drawn], np.float32), [n for _, n in drawn], axis=0)


def rows(*seats: str) -> Activity:
    """A seat is a string: `#` speaks, `+` speaks softly, `.` is silent."""
    level = {"#": 1.0, "+": 0.4, ".": 0.0}
    return np.array([[level[mark] for mark in seat] for seat in seats], np.float32).T


def whole(activity: Activity, start: int = 0) -> Span:
    return Span(start, start + len(activity) * FRAME)


@thorough
@given(activities(), rules, st.integers(0, 10**9))
def test_turns_of_a_seat_are_disjoint_and_inside(
    activity: Activity, rules: ActivityRules, start: int
) -> None:
    heard = Span(start, start + len(activity) * FRAME - 7)
    turns = seat_turns(activity, FRAME, heard, rules)
    assert list(turns) == sorted(turns, key=lambda turn: turn.start)
    for seat in range(activity.shape[1]):
        own = [turn for turn in turns if turn.speaker == seat]
        assert all(heard.start <= turn.start < turn.stop <= heard.stop for turn in own)
        assert all(right.start - left.stop > rules.min_silence for left, right in pairwise(own))


@thorough
@given(activities())
def test_without_smoothing_a_threshold_is_a_threshold(activity: Activity) -> None:
    plain = ActivityRules(onset=0.5, offset=1.0, pad_before=0, pad_after=0, min_speech=0, min_silence=0)
    painted = np.zeros_like(activity)
    for each in seat_turns(activity, FRAME, whole(activity), plain):
        painted[each.start // FRAME : each.stop // FRAME, each.speaker] = 1
    assert np.array_equal(painted > 0, activity > 0.5)


def test_two_who_speak_at_once_both_have_a_turn() -> None:
    turns = seat_turns(rows("####..", "..####"), FRAME, Span(100, 100 + 6 * FRAME), BARE)
    assert turns == (SpeakerTurn(100, 100 + 4 * FRAME, 0), SpeakerTurn(100 + 2 * FRAME, 100 + 6 * FRAME, 1))


def test_a_turn_begins_loudly_and_may_end_softly() -> None:
    activity = rows("+##++.+#")
    assert seat_turns(activity, FRAME, whole(activity), BARE) == (
        SpeakerTurn(FRAME, 5 * FRAME, 0),
        SpeakerTurn(7 * FRAME, 8 * FRAME, 0),
    )


def test_scraps_go_before_gaps_are_closed() -> None:
    activity = rows("###.#.###..###")
    smooth = ActivityRules(0.5, 0.3, 0, 0, min_speech=FRAME, min_silence=2 * FRAME)
    spans = [
        (turn.start // FRAME, turn.stop // FRAME)
        for turn in seat_turns(activity, FRAME, whole(activity), smooth)
    ]
    assert spans == [(0, 3), (6, 14)]


def test_padding_reaches_to_either_side() -> None:
    activity = rows("...##...")
    padded = ActivityRules(0.5, 0.3, pad_before=FRAME, pad_after=10, min_speech=0, min_silence=0)
    assert seat_turns(activity, FRAME, whole(activity), padded) == (
        SpeakerTurn(2 * FRAME, 5 * FRAME + 10, 0),
    )


@thorough
@given(activities(), rules)
def test_a_voice_is_alone_where_nobody_else_speaks(activity: Activity, rules: ActivityRules) -> None:
    turns = seat_turns(activity, FRAME, whole(activity), rules)
    length = whole(activity).stop
    spoken = np.zeros((activity.shape[1], length), bool)
    for each in turns:
        spoken[each.speaker, each.start : each.stop] = True
    for seat in range(activity.shape[1]):
        alone = np.zeros(length, bool)
        for span in solo_spans(turns, seat):
            assert span.start < span.stop
            assert not alone[span.start : span.stop].any()
            alone[span.start : span.stop] = True
        assert np.array_equal(alone, spoken[seat] & (spoken.sum(axis=0) == 1))


def test_speaking_time_counts_every_turn() -> None:
    assert speaking_time([turn(5, 6, 2), turn(5, 7, 0), turn(8, 9, 2)]) == {2: seconds(2), 0: seconds(2)}
