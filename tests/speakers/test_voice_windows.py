from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span
from utils.speakers.voice_windows import (
    HOP,
    LONGEST_STRETCH,
    WINDOW,
    build_turns,
    group_stretches,
    plan_windows,
)


@st.composite
def speech_regions(draw: st.DrawFn) -> list[Span]:
    lengths = st.integers(1, 40 * SAMPLE_RATE)
    regions, position = [], 0
    for pause, length in draw(st.lists(st.tuples(lengths, lengths), max_size=8)):
        regions.append(Span(position + pause, position + pause + length))
        position += pause + length
    return regions


@given(speech_regions())
def test_windows_cover_the_speech_and_nothing_else(speech: list[Span]) -> None:
    windows = plan_windows(speech)
    for region in speech:
        within = [w for w in windows if w.start >= region.start and w.stop <= region.stop]
        assert (within[0].start, within[-1].stop) == (region.start, region.stop)
        assert all(b.start - a.start <= HOP for a, b in pairwise(within))
        windows = windows[len(within) :]
    assert windows == []


@given(speech_regions())
def test_stretches_keep_every_window_and_stay_short(speech: list[Span]) -> None:
    windows = plan_windows(speech)
    stretches = group_stretches(windows)
    assert [window for stretch in stretches for window in stretch] == windows
    assert all(stretch[-1].stop - stretch[0].start <= LONGEST_STRETCH for stretch in stretches)


@given(speech_regions(), st.integers(0, 2**31), st.integers(1, 4))
def test_turns_split_the_speech_among_speakers(speech: list[Span], seed: int, speakers: int) -> None:
    windows = plan_windows(speech)
    labels = np.random.default_rng(seed).integers(0, speakers, len(windows))
    turns = build_turns(windows, labels, speech)
    assert all(turn.start < turn.stop for turn in turns)
    assert all(a.stop <= b.start for a, b in pairwise(turns))
    assert all(any(r.start <= t.start and t.stop <= r.stop for r in speech) for t in turns)
    assert sum(t.stop - t.start for t in turns) == sum(region.num_samples for region in speech)


def test_a_turn_changes_midway_between_the_windows() -> None:
    speech = [Span(0, 4 * HOP + WINDOW)]
    turns = build_turns(plan_windows(speech), np.array([0, 0, 1, 1, 1]), speech)
    assert [turn.speaker for turn in turns] == [0, 1]
    assert turns[0].stop == turns[1].start == HOP * 3 // 2 + WINDOW // 2
