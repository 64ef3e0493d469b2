from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import Span, seconds
from options import SpeakerCount
from utils.speakers.clustering import cluster_voices
from utils.speakers.voice_groups import TURNS, Labels, SampledVoices

ANY = SpeakerCount()


def voices_of(speakers: list[int], noise: float, seed: int = 0, channel: float = 0.0) -> np.ndarray:
    """(n, 192) unit rows: the speaker's voice, what all have in common, and as much noise as asked for."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(192, 192)))[0]
    rows = (
        centres[speakers] + channel * centres[-1] + noise * rng.normal(size=(len(speakers), 192)) / 192**0.5
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def cluster(
    embeddings: np.ndarray,
    count: SpeakerCount = ANY,
    apart: np.ndarray | None = None,
    trust: np.ndarray | None = None,
) -> Labels:
    """One sample of half a second every half second."""
    number = len(embeddings)
    times = np.arange(number, dtype=np.float32) / 2
    spans = [(Span(seconds(time), seconds(time + 0.5)),) for time in times.tolist()]
    together = (np.abs(times[:, None] - times) < 10).astype(np.float32)
    none = np.zeros_like(together)
    trust = np.ones(number, np.float32) if trust is None else trust
    return cluster_voices(
        SampledVoices(embeddings, trust, spans, together, none if apart is None else apart), count
    )


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@pytest.mark.parametrize("speakers", [1, 2, 3, 6, 12])
def test_voices_are_told_apart(speakers: int) -> None:
    truth = [index // 12 % speakers for index in range(24 * speakers)]
    assert partition(cluster(voices_of(truth, noise=0.8))) == partition(np.array(truth))


@pytest.mark.parametrize("number", [2, 3, 8, 13, 100])
def test_one_voice_stays_one(number: int) -> None:
    assert set(cluster(voices_of([0] * number, noise=0.7)).tolist()) == {0}


def test_noise_does_not_part_one_voice() -> None:
    assert set(cluster(voices_of([0] * 60, noise=1.3)).tolist()) == {0}


def test_who_says_little_among_many_is_a_speaker() -> None:
    """Four seconds each of some, beside ten minutes of others."""
    truth = [speaker for speaker in range(5) for _ in range(240)] + [5 + n // 8 for n in range(32)]
    assert partition(cluster(voices_of(truth, noise=0.7))) == partition(np.array(truth))


@pytest.mark.parametrize(("trust", "speakers"), [(1, 3), (0.5, 2)])
def test_who_says_little_must_be_heard_alone_to_be_a_speaker(trust: float, speakers: int) -> None:
    truth = [0] * 240 + [1] * 4 + [2] * 240
    trusts = np.where(np.array(truth) == 1, trust, 1).astype(np.float32)
    assert len(set(cluster(voices_of(truth, noise=0.5), trust=trusts).tolist())) == speakers


@pytest.mark.parametrize("people", [3, 6, 9])
def test_who_speaks_once_for_four_seconds_is_a_speaker(people: int) -> None:
    """Strangers in one room: alike, but not as one voice is to itself."""
    truth = [speaker for speaker in range(people) for _ in range(8)]
    assert partition(cluster(voices_of(truth, noise=0.9, channel=0.7))) == partition(np.array(truth))


@pytest.mark.parametrize(("samples", "speakers"), [(60, 2), (4, 2), (3, 1)])
def test_few_samples_prove_another_speaker_less_than_many(samples: int, speakers: int) -> None:
    rows = voices_of([0] * 60 + [1] * samples, noise=0.9, channel=0.7)
    assert len(set(cluster(rows).tolist())) == speakers


def test_one_person_who_changes_voice_stays_one_though_windows_hear_two() -> None:
    """Half as alike as one voice is to itself; the two take turns and never talk at the same time."""
    truth = np.arange(120) // 10 % 2
    rows = voices_of(truth.tolist(), noise=0.8, channel=1.15)
    assert set(cluster(rows, apart=TURNS * (truth[:, None] != truth)).tolist()) == {0}
    assert partition(cluster(rows, apart=1.0 * (truth[:, None] != truth))) == partition(truth)


@pytest.mark.parametrize(("separated", "speakers"), [(0, 1), (TURNS, 2)])
def test_windows_that_hear_one_speaker_join_what_sounds_a_little_different(
    separated: float, speakers: int
) -> None:
    truth = np.array([0] * 10 + [1] * 10)
    voices = voices_of(truth.tolist(), noise=0.9, channel=0.93)
    apart = (separated * (truth[:, None] != truth)).astype(np.float32)
    assert len(set(cluster(voices, apart=apart).tolist())) == speakers


def test_a_given_number_is_not_met_with_scraps() -> None:
    """The caller says four speakers; two voices are alike, and half a second is of a fifth person."""
    truth = np.array([0] * 40 + [1] * 40 + [2] * 40 + [3] * 40 + [4])
    rows = voices_of(truth.tolist(), noise=0.6)
    alike = rows[40:80] + 0.9 * rows[:40]
    rows[40:80] = alike / np.linalg.norm(alike, axis=1, keepdims=True)
    labels = cluster(rows, SpeakerCount(4, 4))
    assert partition(labels[:160]) == partition(truth[:160])


def test_whom_a_window_hears_as_two_are_two_though_a_telephone_makes_them_alike() -> None:
    truth = np.arange(60) // 10 % 2
    rows = voices_of(truth.tolist(), noise=0.4, channel=1.1)
    apart = (truth[:, None] != truth).astype(np.float32)
    assert set(cluster(rows).tolist()) == {0}
    assert partition(cluster(rows, apart=apart)) == partition(truth)


def test_a_scrap_is_no_speaker() -> None:
    assert set(cluster(voices_of([0] * 40 + [1] + [0] * 20, noise=0.5)).tolist()) == {0}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 9), st.integers(1, 4), st.integers(0, 9))
def test_the_count_is_obeyed(number: int, least: int, spare: int, speakers: int, seed: int) -> None:
    embeddings = voices_of([index % speakers for index in range(number)] or [0], 1.0, seed)[:number]
    labels = cluster(embeddings, SpeakerCount(least, least + spare))
    assert len(labels) == number
    assert min(least, number) <= len(set(labels.tolist())) <= least + spare
    assert sorted(set(labels.tolist())) == list(range(len(set(labels.tolist()))))


def test_the_count_is_obeyed_even_by_equal_voices() -> None:
    assert set(cluster(voices_of([0] * 10, noise=0.0), SpeakerCount(4, 4)).tolist()) == {0, 1, 2, 3}


def test_too_many_are_given_up_smallest_first() -> None:
    truth = np.array([0] * 30 + [1] * 30 + [2] * 6)
    labels = cluster(voices_of(truth.tolist(), noise=0.5), SpeakerCount(2, 2))
    assert len(set(labels[:30].tolist())) == len(set(labels[30:60].tolist())) == 1
    assert labels[0] != labels[30]


def test_clustering_is_deterministic() -> None:
    embeddings = voices_of([index % 5 for index in range(60)], noise=1.5)
    assert np.array_equal(cluster(embeddings), cluster(embeddings))
