"""Segments cut from a stream and added up again, against the whole held in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.audio.overlap_add import Excerpt, OverlapAdder, Samples, SegmentCutter, stride_of, weighted_mean


def sound(length: int, channels: int = 2) -> Samples:
    return np.random.default_rng(length).standard_normal((channels, length)).astype(np.float32)


def cut(whole: Samples, segment: int, sizes: list[int]) -> Iterator[Excerpt]:
    """The excerpts of `whole` fed in blocks of `sizes`, over and over."""
    cutter = SegmentCutter(segment, len(whole))
    start = turn = 0
    while start < whole.shape[1]:
        size = sizes[turn % len(sizes)]
        yield from cutter.feed(whole[:, start : start + size])
        start, turn = start + size, turn + 1
    yield from cutter.finish()


def added(excerpts: Iterator[Excerpt], segment: int, gain: float = 1.0) -> Samples:
    adder = OverlapAdder(segment, (2,))
    parts = [adder.add(gain * e.block[:, e.offset : e.offset + e.length]) for e in excerpts]
    return np.concatenate([*parts, adder.finish()], axis=1)


streams = st.tuples(
    st.integers(0, 400), st.integers(4, 90), st.lists(st.integers(1, 150), min_size=1, max_size=5)
)


@thorough
@given(streams)
def test_a_model_that_changes_nothing_gives_the_stream_back(stream: tuple[int, int, list[int]]) -> None:
    length, segment, sizes = stream
    whole = sound(length)
    np.testing.assert_allclose(added(cut(whole, segment, sizes), segment), whole, atol=1e-5)


@thorough
@given(streams)
def test_segments_do_not_depend_on_the_blocks(stream: tuple[int, int, list[int]]) -> None:
    length, segment, sizes = stream
    whole = sound(length)
    in_blocks, at_once = cut(whole, segment, sizes), cut(whole, segment, [length + 1])
    for number, (some, other) in enumerate(zip(in_blocks, at_once, strict=True)):
        start = number * stride_of(segment)
        assert some.length == other.length == min(segment, length - start)
        assert some.offset == min(start, (segment + 1) // 2)
        np.testing.assert_array_equal(some.block, other.block)
        stop = start + some.length + (segment + 1) // 2
        np.testing.assert_array_equal(some.block, whole[:, start - some.offset : stop])


@pytest.mark.parametrize("segment", [8, 9, 100, 101])
def test_neighbours_pass_over_into_each_other(segment: int) -> None:
    """The first segment is silent, the second is one: between them is a rising straight line."""
    adder = OverlapAdder(segment, ())
    first = adder.add(np.zeros(segment, np.float32))
    second = adder.add(np.ones(segment, np.float32))
    assert len(first) == len(second) == stride_of(segment)
    assert not first.any()
    shared = segment - stride_of(segment)
    rising = second[:shared]
    steps = np.diff(rising)
    assert np.all(steps > 0)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
    np.testing.assert_array_equal(second[shared:], 1)


def test_memory_is_that_of_some_segments() -> None:
    segment, block = 10_000, sound(7000)
    cutter, adder = SegmentCutter(segment, 2), OverlapAdder(segment, (2,))
    tracemalloc.start()
    for _ in range(200):
        for excerpt in cutter.feed(block):
            adder.add(excerpt.block[:, excerpt.offset : excerpt.offset + excerpt.length])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * segment * 2 * 4


def test_a_bag_is_a_weighted_mean() -> None:
    one, two = sound(50), sound(51)[:, :50]
    np.testing.assert_allclose(weighted_mean(np.stack([one, two]), (1, 3)), (one + 3 * two) / 4, atol=1e-6)
    np.testing.assert_array_equal(weighted_mean(one[None], (0.3,)), one * np.float32(0.3) / np.float32(0.3))
