"""People far from the microphone, raised to those beside it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE
from utils.audio.compression import MAX_GAIN, compressed

FAR, NEAR = slice(0, 4 * SAMPLE_RATE), slice(6 * SAMPLE_RATE, 10 * SAMPLE_RATE)


def two_people(decibels: float) -> np.ndarray:
    """The first `decibels` below the second."""
    window = np.random.default_rng(1).normal(0, 0.1, (1, 10 * SAMPLE_RATE)).astype(np.float32)
    window[:, FAR] *= 10 ** (-decibels / 20)
    return window


def level(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.square(samples).mean()))


@given(st.floats(0, 50), st.floats(-60, 0))
def test_who_is_far_is_raised_and_who_is_near_is_not(decibels: float, gain: float) -> None:
    window = two_people(decibels) * np.float32(10 ** (gain / 20))
    raised = compressed(window)
    assert raised.shape == window.shape
    assert np.allclose(raised[:, NEAR], window[:, NEAR], rtol=0.1)
    far = slice(0, 2 * SAMPLE_RATE)
    assert abs(level(raised[:, far]) - level(window[:, far]) - min(0.8 * decibels, MAX_GAIN)) < 1


def test_windows_do_not_change_one_another_and_silence_stays() -> None:
    windows = np.concatenate([two_people(30), np.zeros((1, 10 * SAMPLE_RATE), np.float32)])
    raised = compressed(windows)
    assert np.array_equal(raised[:1], compressed(windows[:1]))
    assert not raised[1].any()
