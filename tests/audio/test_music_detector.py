"""Music is found, under speech too; voices, noise and hum are none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.eval_set import read_audio
from models import SAMPLE_RATE, Audio, Span
from tests.recordings import FIXTURES, chords, silence
from utils.audio.music_detector import MAX_PROBES, PROBE, is_musical, music_score, probes

LENGTH = 20  # seconds


def speech(name: str) -> Audio:
    return read_audio(FIXTURES / f"{name}.flac")


def noise() -> Audio:
    return np.random.default_rng(3).standard_normal(LENGTH * SAMPLE_RATE).astype(np.float32)


def hum() -> Audio:
    moments = np.arange(LENGTH * SAMPLE_RATE) / SAMPLE_RATE
    overtones = [np.sin(2 * np.pi * 50 * n * moments) / n for n in range(1, 30)]
    return np.asarray(np.sum(overtones, axis=0), np.float32)


def under_speech(background: Audio, decibels: float) -> Audio:
    """`background` so much softer than the voices over it."""
    voices = speech("conversation")[: len(background)]
    gain = np.sqrt(np.mean(voices**2) / np.mean(background**2)) * 10 ** (-decibels / 20)
    return np.asarray(0.5 * (voices + gain * background), np.float32)


def heard(audio: Audio) -> bool:
    return is_musical([music_score(audio[span.start : span.stop]) for span in probes(len(audio))])


def test_music() -> None:
    assert heard(chords(LENGTH))


@pytest.mark.parametrize("decibels", [0, 5, 10])
def test_music_under_speech(decibels: float) -> None:
    assert heard(under_speech(chords(LENGTH), decibels))
    assert not heard(under_speech(noise(), decibels))


@pytest.mark.parametrize("name", ["conversation", "dialogue"])
def test_speech_is_no_music(name: str) -> None:
    assert not heard(speech(name))


@pytest.mark.parametrize("sound", [noise(), hum(), silence(LENGTH), silence(0.1)])
def test_noise_hum_and_silence_are_no_music(sound: Audio) -> None:
    assert not heard(sound)


def test_a_jingle_is_not_enough() -> None:
    assert is_musical([3.0])
    assert is_musical([3.0, 0.5, 0.5])
    assert not is_musical([3.0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("seconds", [1, 19, 21, 45, 90, 600, 3600, 48 * 3600])
def test_probes_are_spread_over_the_recording(seconds: int) -> None:
    num_samples = seconds * SAMPLE_RATE
    spans = probes(num_samples)
    assert len(spans) <= MAX_PROBES
    assert all(span.num_samples == min(PROBE, num_samples) for span in spans)
    if num_samples >= 2 * PROBE:
        assert (spans[0].start, spans[-1].stop) == (0, num_samples)
        assert all(before.stop <= after.start for before, after in pairwise(spans))
    else:
        assert spans == [Span(0, min(PROBE, num_samples))]
