"""Speech detection with the real network: whispering, people far away, and sounds that are no speech."""

from __future__ import annotations

import numpy as np
import pytest

from backends.silero import SpeechDetector, load_speech_detector
from benchmarks.sounds import hum, noise, silence
from models import SAMPLE_RATE, Audio, seconds
from seams import DetectorState
from tests.recordings import Conversation, conversation
from tests.speech.faint_speech import at_level, whispered
from utils.speech.speech_map import FRAME, Probabilities

SPEECH = 0.35  # probability from which a frame continues speech


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return load_speech_detector()


@pytest.fixture(scope="module")
def talk() -> Conversation:
    return conversation("dialogue")


def probabilities(detector: SpeechDetector, audio: Audio) -> Probabilities:
    return detector.detect(audio, DetectorState())[0]


def heard_of(found: Probabilities, talk: Conversation, number: int) -> float:
    """The share of a turn that is taken for speech."""
    turn = talk.turns[number]
    return float(np.mean(found[seconds(turn.start) // FRAME : seconds(turn.stop) // FRAME] > SPEECH))


def modulated(sound: Audio, hertz: float) -> Audio:
    times = np.arange(len(sound)) / SAMPLE_RATE
    return np.asarray(sound * (0.5 + 0.5 * np.sin(2 * np.pi * hertz * times)), np.float32)


@pytest.mark.parametrize("frames_per_block", [1, 7, 100])
def test_how_a_recording_is_cut_into_blocks_changes_nothing(
    detector: SpeechDetector, talk: Conversation, frames_per_block: int
) -> None:
    audio = np.concatenate([talk.samples, at_level(whispered(talk.samples), -45, 8)])
    state, parts = DetectorState(), []
    for start in range(0, len(audio), frames_per_block * FRAME):
        part, state = detector.detect(audio[start : start + frames_per_block * FRAME], state)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts), probabilities(detector, audio), atol=1e-4)


def test_whispering_is_speech(detector: SpeechDetector, talk: Conversation) -> None:
    found = probabilities(detector, at_level(whispered(talk.samples), -45, 8))
    assert [heard_of(found, talk, number) > 0.6 for number in range(4)] == [True] * 4


def test_somebody_far_away_is_heard_between_those_who_are_near(
    detector: SpeechDetector, talk: Conversation
) -> None:
    audio = talk.samples + noise(len(talk.samples) / SAMPLE_RATE, 1, -68, seed=1)
    for turn in talk.turns[1::2]:
        audio[seconds(turn.start) : seconds(turn.stop)] *= 10 ** (-40 / 20)
    found = probabilities(detector, audio)
    assert [heard_of(found, talk, number) > 0.6 for number in range(4)] == [True] * 4


@pytest.mark.parametrize("level", [-60, -40, -20])
def test_raised_noise_is_no_speech(detector: SpeechDetector, level: int) -> None:
    sounds = [noise(10, slope, level, seed=slope) for slope in (0, 1, 2)]
    sounds += [modulated(noise(10, 1, level, seed=5), hertz) for hertz in (1, 4, 8)]
    sounds += [hum(10, level), silence(10)]
    assert max(probabilities(detector, sound).max() for sound in sounds) < 0.5


def test_murmurs_that_nobody_could_follow_are_left_alone(
    detector: SpeechDetector, talk: Conversation
) -> None:
    assert probabilities(detector, at_level(whispered(talk.samples), -80, 8)).max() < 0.5
