"""Frames on the recording's clock: gaps, overlaps, jumps, times that lie."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.decoding.timeline import LONGEST_OVERLAP, SECOND, TOLERANCE, Placed, Timed, Timeline

RATE = 16_000
FRAME = 320  # samples, 20 ms
HOUR = 3600 * SECOND


def frames(*starts: float | None) -> list[Timed[int]]:
    return [
        Timed(number, FRAME, RATE, None if start is None else round(start * SECOND))
        for number, start in enumerate(starts)
    ]


def steady(start: float, count: int) -> list[float]:
    return [start + n * FRAME / RATE for n in range(count)]


def place(starts: Sequence[float | None], origin: int | None = None, limit: int = HOUR) -> list[Placed[int]]:
    return list(Timeline[int](origin, 0, limit).placed(iter(frames(*starts))))


def gaps(placed: Sequence[Placed[int]]) -> dict[int, float]:
    return {place.timed.frame: place.gap / SECOND for place in placed if place.gap}


def test_a_first_time_is_the_start_unless_another_stream_began_before() -> None:
    assert gaps(place(steady(30, 5))) == {}
    assert gaps(place(steady(4, 10), origin=0)) == {0: 4}
    assert gaps(place(steady(34, 10), origin=30 * SECOND)) == {0: 4}


def test_a_gap_is_filled_and_a_short_overlap_cut() -> None:
    assert gaps(place([*steady(0, 5), *steady(0.5, 5)])) == {5: 0.4}
    assert gaps(place([*steady(0, 50), *steady(11, 50)])) == {50: 10}
    assert gaps(place([*steady(0, 50), *steady(0.9, 50)])) == {50: -0.1}


def test_a_step_back_is_another_clock() -> None:
    """Of a file appended, say: nothing is dropped, and later gaps are filled again."""
    assert gaps(place([*steady(20, 50), *steady(0, 50), *steady(1.5, 50)])) == {100: 0.5}


@pytest.mark.parametrize("lie", [500.0, -3.0])
def test_a_single_time_that_lies_is_ignored(lie: float) -> None:
    assert gaps(place([*steady(5, 50), lie, *steady(6.02, 50)])) == {}
    assert gaps(place([*steady(5, 50), lie])) == {}


def test_a_gap_beyond_the_limit_is_not_filled() -> None:
    placed = place([*steady(0, 50), *steady(10_000_000, 50), *steady(10_000_002, 50)])
    assert gaps(placed) == {100: 1}


def test_frames_without_times_follow_each_other() -> None:
    assert gaps(place([None, None, 0.04, None, 0.58, None])) == {4: 0.5}


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7), st.floats(0, 30)), max_size=60),
    st.integers(0, 100 * SECOND),
)
def test_no_times_can_make_a_recording_longer_than_its_limit(starts: list[float | None], limit: int) -> None:
    placed = place(starts, limit=limit)
    assert [place.timed.frame for place in placed] == list(range(len(starts)))
    end = 0
    for place_ in placed:
        assert place_.start == pytest.approx(end + place_.gap, abs=len(placed))
        assert place_.gap >= -LONGEST_OVERLAP
        if place_.gap > SECOND:
            assert place_.start <= limit
        end = place_.start + place_.timed.duration
    assert end <= limit + len(starts) * (SECOND + place_length())


def place_length() -> int:
    return FRAME * SECOND // RATE


@given(st.lists(st.floats(0, 3), min_size=1, max_size=40), st.floats(-1, 1))
def test_frames_are_where_an_honest_container_says(pauses: list[float], jitter: float) -> None:
    """Within the tolerance, whatever the pauses, and with times that are rounded."""
    starts, now = [], 0.0
    for pause in pauses:
        run = steady(now, 10)
        starts += [round(start + jitter * 0.005, 3) for start in run]
        now = run[-1] + FRAME / RATE + pause
    for place_, start in zip(place(starts, origin=0), starts, strict=True):
        assert abs(place_.start - start * SECOND) <= TOLERANCE + 1000


def test_rounding_does_not_add_up() -> None:
    """A frame of AAC at 44.1 kHz is no whole number of microseconds."""
    day = 24 * 3600 * 44_100 // 1024
    timeline = Timeline[None](0, 0, 100 * HOUR)
    times = (n * 1024 * SECOND // 44_100 for n in range(day // 100))
    placed = timeline.placed(Timed(None, 1024, 44_100, time) for time in times)
    assert all(place.gap == 0 for place in placed)
    assert timeline.end == day // 100 * 1024 * SECOND // 44_100


def test_damaged_packets_at_the_end_count() -> None:
    timeline = Timeline[int](0, 0, HOUR)
    list(timeline.placed(iter(frames(*steady(0, 10)))))
    assert timeline.end_at(3 * SECOND) == 3 * SECOND
    assert timeline.end_at(SECOND // 10) == timeline.end
    assert timeline.end_at(2 * HOUR) == timeline.end
