"""Onsets of speech by energy, and the word that a transcript has there."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recognition.onsets import Onset, find_onsets, start_errors
from benchmarks.values import Message
from models import SAMPLE_RATE, Audio
from tests.recordings import silence, tone


def noisy(*parts: Audio) -> Audio:
    samples = np.concatenate(parts)
    return samples + np.random.default_rng(1).normal(0, 1e-4, len(samples)).astype(np.float32)


def word(text: str, start: float, end: float) -> Message:
    return {"word": text, "start": start, "end": end}


def test_speech_sets_in_after_each_pause_but_the_first() -> None:
    click = tone(0.02)
    samples = noisy(
        silence(0.5), tone(1.0), silence(0.4), tone(0.5), silence(0.2), tone(0.5), silence(0.3), click,
        silence(0.28), tone(1.0), silence(0.6),
    )  # fmt: skip
    onsets = find_onsets(samples, SAMPLE_RATE)
    assert [onset.pause for onset in onsets] == pytest.approx([1.5, 3.1])
    assert [onset.time for onset in onsets] == pytest.approx([1.9, 3.7])


@pytest.mark.parametrize("samples", [silence(0.0), silence(2.0), noisy(silence(1.0), tone(1.0))])
def test_without_a_pause_between_words_there_is_no_onset(samples: Audio) -> None:
    assert find_onsets(samples, SAMPLE_RATE) == []


def test_an_onset_is_compared_with_the_word_behind_its_pause() -> None:
    pause = [Onset(1.0, 1.6)]
    assert start_errors(pause, [word("a", 0.5, 1.1), word("b", 1.5, 2.0)]) == [pytest.approx(-0.1)]
    late = [word("a", 0.5, 1.0), word("b", 2.0, 2.5), word("c", 2.5, 3.0)]
    assert start_errors(pause, late) == [pytest.approx(0.4)]


def test_a_word_that_lasts_through_the_pause_hides_it() -> None:
    stretched = [word("a", 0.5, 1.6), word("b", 1.6, 2.0)]
    assert start_errors([Onset(1.0, 1.6)], stretched) == [None]
    assert start_errors([Onset(1.0, 1.6)], [word("a", 0.5, 0.9)]) == [None]
