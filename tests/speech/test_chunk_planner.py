"""Where recordings are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Span
from tests.builders import frames, probabilities, thorough
from utils.speech.chunk_planner import SILENT, ChunkLimits, ChunkPlanner, PlannedChunk
from utils.speech.speech_map import FRAME, Probabilities


@st.composite
def limits(draw: st.DrawFn) -> ChunkLimits:
    longest = draw(st.integers(40 * FRAME, 200 * FRAME))
    return ChunkLimits(longest, draw(st.integers(0, longest // 2)))


Recording = tuple[Probabilities, int]


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    heard = draw(probabilities())
    return heard, len(heard) * FRAME - draw(st.integers(0, FRAME - 1))


def plan(recording: Recording, limits: ChunkLimits, blocks: list[int] | None = None) -> list[PlannedChunk]:
    heard, num_samples = recording
    planner = ChunkPlanner(limits)
    edges = [0, *np.cumsum(blocks or [len(heard)]).tolist(), len(heard)]
    planned = [chunk for left, right in pairwise(edges) for chunk in planner.feed(heard[left:right])]
    return planned + list(planner.finish(num_samples))


@thorough
@given(recordings(), limits())
def test_chunks_tile_the_recording(recording: Recording, limits: ChunkLimits) -> None:
    chunks = [planned.chunk for planned in plan(recording, limits)]
    assert chunks[0].start == 0
    assert chunks[-1].stop == recording[1]
    assert all(left.stop == right.start for left, right in pairwise(chunks))
    assert all(0 < chunk.stop - chunk.start <= limits.longest for chunk in chunks)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))


@thorough
@given(recordings(), limits())
def test_a_chunk_hears_half_the_overlap_beyond_its_ends(recording: Recording, limits: ChunkLimits) -> None:
    half = limits.overlap // 2
    for planned in plan(recording, limits):
        chunk = planned.chunk
        assert chunk.heard == Span(max(0, chunk.start - half), min(recording[1], chunk.stop + half))


@thorough
@given(recordings(), limits())
def test_what_neighbours_share_is_known_from_either(recording: Recording, limits: ChunkLimits) -> None:
    for left, right in pairwise(planned.chunk for planned in plan(recording, limits)):
        assert left.shared_from == right.heard.start
        assert not left.is_whole or limits.overlap < 2
        assert left.heard.stop - right.start == right.start - right.heard.start == limits.overlap // 2


@thorough
@given(recordings(), limits())
def test_the_speech_of_a_chunk_is_that_of_what_it_hears(recording: Recording, limits: ChunkLimits) -> None:
    for planned in plan(recording, limits):
        speech, heard = planned.speech, planned.chunk.heard
        assert speech.start % FRAME == 0
        assert speech.start <= heard.start < speech.start + FRAME
        assert speech.stop == heard.stop
        expected = recording[0][speech.start // FRAME : -(-speech.stop // FRAME)]
        np.testing.assert_array_equal(speech.probabilities, expected)


@thorough
@given(recordings(), limits(), st.lists(st.integers(0, 300)))
def test_the_plan_does_not_depend_on_how_it_was_fed(
    recording: Recording, limits: ChunkLimits, blocks: list[int]
) -> None:
    whole, pieces = plan(recording, limits), plan(recording, limits, blocks)
    assert [planned.chunk for planned in whole] == [planned.chunk for planned in pieces]
    for left, right in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(left.speech.probabilities, right.speech.probabilities)


@thorough
@given(recordings(), limits())
def test_cuts_lie_in_silence_where_there_is_one(recording: Recording, limits: ChunkLimits) -> None:
    for planned in plan(recording, limits)[:-1]:
        last_fifth = (planned.chunk.start + limits.longest * 4 // 5) // FRAME + 1
        searched = recording[0][last_fifth : (planned.chunk.start + limits.longest) // FRAME]
        if np.any(searched < SILENT):
            assert recording[0][planned.chunk.stop // FRAME] < SILENT


def test_the_cut_is_in_the_middle_of_the_longest_late_silence() -> None:
    runs = [(1, 60), (0, 15), (1, 5), (0, 4), (1, 4), (0, 8), (1, 4), (0, 2), (1, 100)]
    heard = frames(runs)  # silences at 60-75 (too early), 80-84, 88-96, 100-102
    first, *_ = plan((heard, len(heard) * FRAME), ChunkLimits(105 * FRAME, 4 * FRAME))
    assert first.chunk.stop == 92 * FRAME


def test_speech_without_a_pause_is_cut_where_it_is_least_like_speech() -> None:
    heard = frames([(0.9, 95), (0.6, 1), (0.9, 100)])
    first, *_ = plan((heard, len(heard) * FRAME), ChunkLimits(105 * FRAME, 0))
    assert first.chunk.stop == 95 * FRAME


def test_work_starts_before_the_end_is_heard() -> None:
    planner = ChunkPlanner(ChunkLimits(100 * FRAME, 10 * FRAME))
    assert not list(planner.feed(frames([(1, 100)])))
    assert len(list(planner.feed(frames([(1, 11)])))) == 1


def test_nothing_has_no_chunks() -> None:
    assert list(ChunkPlanner(ChunkLimits(100 * FRAME, 0)).finish(0)) == []


@pytest.mark.parametrize("overlap", [-1, 51 * FRAME, 200 * FRAME])
def test_an_overlap_beyond_half_a_chunk_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        ChunkLimits(100 * FRAME, overlap)
