"""Alignment on the CTC topology, against a search over every path where that is small enough."""

from __future__ import annotations

from itertools import groupby, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.words.ctc_viterbi import LogProbabilities, align_tokens

BLANK = 0


def random_frames(num_frames: int, seed: int, vocabulary: int = 4) -> LogProbabilities:
    logits = np.random.default_rng(seed).normal(size=(num_frames, vocabulary)) * 3
    normalised = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.asarray(normalised, np.float32)


def best_score(frames: LogProbabilities, tokens: list[int]) -> float:
    """Of every labelling that collapses to the tokens."""
    return max(
        float(frames[np.arange(len(frames)), labels].sum(dtype=np.float64))
        for labels in product(range(frames.shape[1]), repeat=len(frames))
        if [label for label, _ in groupby(labels) if label != BLANK] == tokens
    )


@thorough
@given(st.lists(st.integers(1, 3), min_size=1, max_size=30), st.integers(1, 80), st.integers(0, 99))
def test_every_token_has_its_frames_in_order_or_the_text_does_not_fit(
    tokens: list[int], num_frames: int, seed: int
) -> None:
    spans = align_tokens(random_frames(num_frames, seed), tokens, BLANK)
    repeats = sum(left == right for left, right in pairwise(tokens))
    if num_frames < len(tokens) + repeats:
        assert spans is None
        return
    assert spans is not None
    assert len(spans) == len(tokens)
    assert spans[0].start >= 0
    assert spans[-1].stop <= num_frames
    assert all(span.start < span.stop and span.score <= 0 for span in spans)
    for (left, right), (first, second) in zip(pairwise(spans), pairwise(tokens), strict=True):
        assert left.stop + (first == second) <= right.start


@thorough
@given(st.lists(st.integers(1, 2), min_size=1, max_size=3), st.integers(5, 7), st.integers(0, 99))
def test_no_path_is_better(tokens: list[int], num_frames: int, seed: int) -> None:
    frames = random_frames(num_frames, seed, vocabulary=3)
    spans = align_tokens(frames, tokens, BLANK)
    assert spans is not None
    labels = np.zeros(num_frames, dtype=int)
    for span, token in zip(spans, tokens, strict=True):
        labels[span.start : span.stop] = token
    found = float(frames[np.arange(num_frames), labels].sum(dtype=np.float64))
    assert found == pytest.approx(best_score(frames, tokens), abs=1e-4)


@thorough
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=20))
def test_a_planted_path_is_found(runs: list[tuple[int, int]]) -> None:
    labels = np.repeat([token for token, _ in runs], [length for _, length in runs])
    tokens = [int(token) for token, _ in groupby(labels) if token != BLANK]
    frames = np.full((len(labels), 4), -10.0, np.float32)
    frames[np.arange(len(labels)), labels] = -0.1
    spans = align_tokens(frames, tokens, BLANK)
    if not tokens:
        assert spans is None
        return
    assert spans is not None
    planted = np.zeros(len(labels), dtype=int)
    for span, token in zip(spans, tokens, strict=True):
        planted[span.start : span.stop] = token
        assert span.score == pytest.approx(-0.1)
    assert planted.tolist() == labels.tolist()


def test_nothing_is_aligned_without_audio_text_or_finite_figures() -> None:
    assert align_tokens(np.zeros((0, 4), np.float32), [1], BLANK) is None
    assert align_tokens(random_frames(5, 0), [], BLANK) is None
    assert align_tokens(np.full((5, 4), np.nan, np.float32), [1], BLANK) is None
