from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span, SpeakerCount
from utils.speaker_clustering import (
    HOP,
    LONGEST_STRETCH,
    WINDOW,
    build_turns,
    cluster_voices,
    group_stretches,
    plan_windows,
)

ANY = SpeakerCount()


@st.composite
def speech_regions(draw: st.DrawFn) -> list[Span]:
    lengths = st.integers(1, 40 * SAMPLE_RATE)
    regions, position = [], 0
    for pause, length in draw(st.lists(st.tuples(lengths, lengths), max_size=8)):
        regions.append(Span(position + pause, position + pause + length))
        position += pause + length
    return regions


def voices_of(speakers: list[int], noise: float, seed: int = 0) -> np.ndarray:
    """(n, 192) unit rows: the speaker's voice and as much noise as asked for."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(192, 192)))[0][: max(speakers) + 1]
    rows = centres[speakers] + noise * rng.normal(size=(len(speakers), 192)) / np.sqrt(192)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def row_of_windows(number: int) -> list[Span]:
    return [Span(HOP * index, HOP * index + WINDOW) for index in range(number)]


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@given(speech_regions())
def test_windows_cover_the_speech_and_nothing_else(speech: list[Span]) -> None:
    windows = plan_windows(speech)
    for region in speech:
        inside = [w for w in windows if w.start >= region.start and w.stop <= region.stop]
        assert (inside[0].start, inside[-1].stop) == (region.start, region.stop)
        assert all(b.start - a.start <= HOP for a, b in pairwise(inside))
        windows = windows[len(inside) :]
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


@pytest.mark.parametrize("speakers", [1, 2, 3, 6, 12])
def test_voices_are_told_apart(speakers: int) -> None:
    truth = [index // 12 % speakers for index in range(24 * speakers)]
    labels = cluster_voices(voices_of(truth, noise=0.8), row_of_windows(len(truth)), ANY)
    assert partition(labels) == partition(np.array(truth))


@pytest.mark.parametrize("number", [2, 3, 8, 13])
def test_one_voice_stays_one(number: int) -> None:
    labels = cluster_voices(voices_of([0] * number, noise=0.7), row_of_windows(number), ANY)
    assert set(labels.tolist()) == {0}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 9), st.integers(1, 4), st.integers(0, 9))
def test_the_count_is_obeyed(number: int, least: int, spare: int, speakers: int, seed: int) -> None:
    embeddings = voices_of([index % speakers for index in range(number)] or [0], 1.0, seed)[:number]
    labels = cluster_voices(embeddings, row_of_windows(number), SpeakerCount(least, least + spare))
    assert len(labels) == number
    assert min(least, number) <= len(set(labels.tolist())) <= least + spare
    assert sorted(set(labels.tolist())) == list(range(len(set(labels.tolist()))))


def test_the_count_is_obeyed_even_by_equal_voices() -> None:
    embeddings = voices_of([0] * 10, noise=0.0)
    assert set(cluster_voices(embeddings, row_of_windows(10), SpeakerCount(4, 4)).tolist()) == {0, 1, 2, 3}


def test_clustering_is_deterministic() -> None:
    embeddings = voices_of([index % 5 for index in range(60)], noise=1.5)
    first, second = (cluster_voices(embeddings, row_of_windows(60), ANY) for _ in range(2))
    assert np.array_equal(first, second)
