"""Where anyone talks, by what the segmentation network, the speech detector and the level say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span
from utils.speakers.local_speakers import (
    CLASSES,
    FRAME,
    FRAME_CENTRE,
    SPEECH,
    WINDOW,
    WINDOW_FRAMES,
    HeardWindows,
    LocalSpeakers,
    combine_windows,
    window_levels,
)
from utils.speech.speech_map import FRAME as SPEECH_FRAME
from utils.speech.speech_map import SpeechMap

START = 5 * SAMPLE_RATE


def told(network: float, detector: float, level: float) -> LocalSpeakers:
    heard = Span(START, START + WINDOW)
    classes = np.zeros((1, WINDOW_FRAMES, len(CLASSES)), np.float32)
    classes[..., 0], classes[..., 2] = 1 - network, network
    levels = np.full((1, WINDOW_FRAMES), level, np.float32)
    detected = SpeechMap(START, WINDOW, np.full(WINDOW // SPEECH_FRAME + 1, detector, np.float32))
    return combine_windows(heard, HeardWindows([START], classes, levels), detected)


@pytest.mark.parametrize(
    ("network", "detector", "spoken"),
    [(1, 0, True), (0.6, 0.3, True), (0.6, 0, False), (0.3, 1, False), (0, 1, False)],
)
def test_a_voice_is_sampled_where_the_network_hears_one_and_the_detector_no_pause(
    network: float, detector: float, spoken: bool
) -> None:
    local = told(network, detector, level=1)
    assert set((local.speech[:WINDOW_FRAMES] > SPEECH).tolist()) == {spoken}


@pytest.mark.parametrize(
    ("network", "detector", "level", "spoken"),
    [
        (1, 1, 0, True),
        (1, 0, 0, True),
        (0.8, 0.1, 0, False),  # the network bridges a pause
        (0.8, 0.1, 0.8, True),  # the detector misses someone far away
        (0.3, 1, 0, True),
        (0, 1, 0, False),
        (0, 0, 1, False),  # noise
    ],
)
def test_someone_talks_where_two_witnesses_say_so(
    network: float, detector: float, level: float, spoken: bool
) -> None:
    assert set(told(network, detector, level).talk[:WINDOW_FRAMES].tolist()) == {spoken}


def noise_and_voice(loud: slice, decibels: float) -> np.ndarray:
    window = np.random.default_rng(1).normal(0, 1e-3, (1, WINDOW)).astype(np.float32)
    window[:, loud] *= 10 ** (decibels / 20)
    return window


@given(st.floats(-40, 40))
def test_levels_are_those_above_the_noise_at_any_gain(gain: float) -> None:
    window = noise_and_voice(slice(3 * SAMPLE_RATE, 5 * SAMPLE_RATE), 15)
    levels = window_levels(window)
    assert levels.shape == (1, WINDOW_FRAMES)
    assert np.allclose(window_levels(window * np.float32(10 ** (gain / 20))), levels, atol=1e-3)
    seconds = (FRAME_CENTRE + FRAME * np.arange(WINDOW_FRAMES)) / SAMPLE_RATE
    within, without = (seconds > 3.1) & (seconds < 4.9), (seconds < 2.9) | (seconds > 5.1)
    assert levels[0, within].min() > 0.6 > 0.3 > levels[0, without].max()


@given(st.integers(SAMPLE_RATE, WINDOW))
def test_digital_silence_is_no_noise_above_which_everything_is_loud(spoken: int) -> None:
    window = noise_and_voice(slice(0, 0), 0)
    window[:, spoken:] = 0
    levels = window_levels(window)
    assert levels.max(initial=0) < 0.5
    assert not levels[0, (spoken + FRAME) // FRAME + 1 :].any()
