"""Cores to lanes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loaders import MAX_LANE_THREADS, plan_lanes


@given(threads=st.integers(1, 256))
def test_lanes_share_the_cores_and_there_are_two_where_two_fit(threads: int) -> None:
    lanes, each = plan_lanes(threads)
    assert 1 <= each <= MAX_LANE_THREADS
    assert threads - each < lanes * each <= threads
    assert lanes >= min(threads, 2)
