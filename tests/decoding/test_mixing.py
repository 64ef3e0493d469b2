"""Channels to one, and floats to 16 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models import SAMPLE_RATE
from utils.decoding.mixing import Floats, StereoMixer, as_16_bits, cleaned, within_full_scale

NOISE = np.random.default_rng(1).normal(0, 0.1, (2, 10 * SAMPLE_RATE)).astype(np.float32)
VOICE, HISS = NOISE


def level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize("right", [VOICE, 0.3 * VOICE, HISS, 0 * VOICE])
def test_channels_are_averaged(right: Floats) -> None:
    mono = StereoMixer().mono(np.stack([VOICE, right]))
    np.testing.assert_allclose(mono[0], (VOICE + right) / 2, atol=1e-6)


@pytest.mark.parametrize("right", [-VOICE, -0.8 * VOICE, -VOICE + 0.2 * HISS])
def test_channels_that_cancel_are_not(right: Floats) -> None:
    mono = StereoMixer().mono(np.stack([VOICE, right]))
    assert level(mono) >= level(VOICE)


def test_the_decision_is_made_once_and_not_by_silence() -> None:
    mixer, inverted = StereoMixer(), np.stack([VOICE, -VOICE])
    assert level(mixer.mono(0 * inverted)) == 0
    first = mixer.mono(inverted)
    later = mixer.mono(np.stack([HISS, HISS]))
    np.testing.assert_array_equal(first[0], VOICE)
    np.testing.assert_array_equal(later[0], HISS)
    np.testing.assert_allclose(mixer.mono(np.stack([VOICE, HISS]))[0], VOICE)


def test_what_is_above_full_scale_is_lowered() -> None:
    loud = (30 * NOISE).astype(np.float32)
    lowered = within_full_scale(loud)
    assert np.percentile(np.abs(lowered), 99.9) == pytest.approx(1, rel=0.01)
    np.testing.assert_allclose(lowered / lowered.max(), loud / loud.max(), atol=1e-6)
    np.testing.assert_array_equal(within_full_scale(NOISE), NOISE)


def test_a_click_lowers_nothing() -> None:
    clicked = NOISE.copy()
    clicked[0, 500] = 40
    assert level(within_full_scale(clicked)[0, 1000:]) == pytest.approx(level(VOICE[1000:]), rel=1e-3)


def test_damage_becomes_silence() -> None:
    damaged = np.array([0.5, np.nan, np.inf, -np.inf, 1e30, -2.0], np.float32)
    np.testing.assert_array_equal(cleaned(damaged), np.array([0.5, 0, 0, 0, 0, -2], np.float32))


@given(arrays(np.float32, (2, 50), elements=st.floats(width=32)))
def test_any_floats_become_16_bits(block: Floats) -> None:
    pcm = as_16_bits(within_full_scale(StereoMixer().mono(cleaned(block))))
    assert pcm.dtype == np.int16
    assert pcm.shape == (1, 50)


@given(arrays(np.int16, (1, 50)))
def test_16_bits_stay_as_they_are(pcm: np.ndarray[tuple[int, int], np.dtype[np.int16]]) -> None:
    floats = pcm.astype(np.float32) / np.float32(32768)
    np.testing.assert_array_equal(as_16_bits(within_full_scale(floats)), pcm)
