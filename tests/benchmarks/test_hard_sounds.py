# ruff: noqa: E402 (the imports need the packages that are looked for first)
"""The sounds of the hard evaluation set: cutting at pauses, rooms and changed voices."""

from __future__ import annotations

import numpy as np
import pytest

for package in ("jiwer", "scipy", "whisper_normalizer"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -r requirements-bench.txt")

from benchmarks.hard.signal.rooms import Room, impulse_response
from benchmarks.hard.signal.sound import at_level, cut_at_pauses, level, sounding, trim
from benchmarks.hard.signal.voice_changes import CHANGES, shift_voice
from benchmarks.recognition.timed_speech import SpokenWord
from models import SAMPLE_RATE, Audio

PITCH = 120  # Hz


def tone(seconds: float, frequency: float = PITCH) -> Audio:
    """A buzz with harmonics, like a vowel."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = [np.sin(2 * np.pi * n * frequency * times) / n for n in range(1, 20)]
    return np.asarray(0.1 * np.sum(harmonics, axis=0), np.float32)


def quiet(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


SPEECH = np.concatenate([quiet(0.5), tone(0.6), quiet(0.4), tone(0.5), quiet(0.1), tone(0.4), quiet(0.5)])


def test_sound_is_found_and_short_pauses_joined() -> None:
    found = np.array(sounding(SPEECH))
    assert found == pytest.approx(np.array([[0.5, 1.1], [1.5, 2.5]]), abs=0.011)
    assert len(trim(SPEECH)) / SAMPLE_RATE == pytest.approx(2.06, abs=0.02)
    assert sounding(quiet(1)) == []
    assert len(trim(quiet(1))) == 0


def test_words_are_divided_at_the_pause() -> None:
    words = [SpokenWord("one", 0.5, 1.1), SpokenWord("two", 1.5, 2.0), SpokenWord("three", 2.1, 2.5)]
    parts = cut_at_pauses(SPEECH, words)
    assert [text for text, _ in parts] == ["one", "two three"]
    assert np.array_equal(np.concatenate([part for _, part in parts]), SPEECH)
    assert [text for text, _ in cut_at_pauses(SPEECH, None)] == [None, None]


def test_a_pause_within_a_word_is_no_cut() -> None:
    words = [SpokenWord("one", 0.5, 1.8), SpokenWord("two", 1.8, 2.5)]
    assert [text for text, _ in cut_at_pauses(SPEECH, words)] == ["one two"]


def test_speech_without_a_pause_is_all_sound() -> None:
    assert sounding(tone(1)) == [(0.0, 1.0)]
    assert level(at_level(tone(1), -31)) == pytest.approx(-31, abs=0.01)


def test_level_is_that_of_the_sound_alone() -> None:
    assert level(at_level(SPEECH, -31)) == pytest.approx(-31, abs=0.01)


def test_a_room_answers_at_once_and_fades_by_60_decibels_in_its_time() -> None:
    room = Room(np.array([6.0, 4.0, 3.0]), decay=0.4)
    response = impulse_response(room, np.array([1.0, 1.0, 1.5]), np.array([4.0, 3.0, 1.2]))
    assert response[0] == pytest.approx(1, abs=0.05)
    remaining = np.cumsum(response[::-1] ** 2)[::-1]
    early, late = np.searchsorted(-remaining / remaining[0], (-(10**-0.5), -(10**-2.5)))
    assert 3 * (late - early) / SAMPLE_RATE == pytest.approx(room.decay, rel=0.25)


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_voice_lasts_as_long(name: str) -> None:
    changed = CHANGES[name](SPEECH)
    assert len(changed) == len(SPEECH)
    assert np.isfinite(changed).all()
    assert np.array(sounding(changed))[:, 0] == pytest.approx(np.array([0.5, 1.5]), abs=0.1)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_shifted_voice_has_another_pitch(factor: float) -> None:
    assert _pitch(shift_voice(tone(1), factor)) == pytest.approx(factor * PITCH, rel=0.03)


def test_a_whisper_has_no_pitch() -> None:
    assert _periodicity(tone(1)) > 0.9
    assert _periodicity(CHANGES["whisper"](tone(1))) < 0.3


def _correlation(samples: Audio) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    middle = samples[SAMPLE_RATE // 4 : SAMPLE_RATE // 2].astype(np.float64)
    return np.correlate(middle, middle, "full")[len(middle) - 1 :]


def _pitch(samples: Audio) -> float:
    shortest, longest = SAMPLE_RATE // 300, SAMPLE_RATE // 70
    lag = shortest + int(np.argmax(_correlation(samples)[shortest:longest]))
    return SAMPLE_RATE / lag


def _periodicity(samples: Audio) -> float:
    correlation = _correlation(samples)
    return float(correlation[SAMPLE_RATE // PITCH] / correlation[0])
