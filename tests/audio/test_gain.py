"""Faint sound raised to a steady level."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sounds import noise
from models import SAMPLE_RATE
from tests.builders import thorough
from utils.audio.gain import MAX_GAIN, QUIETEST, Frames, raised, recent_levels

FRAME = 512


def frames_at(*levels: float) -> Frames:
    """A frame of noise at each level, in dB."""
    hiss = noise(len(levels) * FRAME / SAMPLE_RATE, 0, 0, seed=1).reshape(-1, FRAME)
    return np.asarray(hiss * 10 ** (np.array(levels)[:, None] / 20), np.float32)


def louder(frames: Frames, level: float = QUIETEST) -> Frames:
    return raised(frames, recent_levels(frames, level), level)


levels = st.lists(st.floats(-100, 0), min_size=1, max_size=40)


@thorough
@given(levels, st.integers(1, 40))
def test_blocks_change_nothing(levels: list[float], size: int) -> None:
    frames = frames_at(*levels)
    parts, level = [], QUIETEST
    for start in range(0, len(frames), size):
        block = frames[start : start + size]
        parts.append(louder(block, level))
        level = float(recent_levels(block, level)[-1])
    np.testing.assert_array_equal(np.concatenate(parts), louder(frames))


@thorough
@given(levels)
def test_it_never_clips_nor_changes_a_sign_nor_passes_the_most_gain(levels: list[float]) -> None:
    frames = frames_at(*levels)
    sound = louder(frames)
    assert np.abs(sound).max() <= 1
    assert (np.sign(sound) == np.sign(frames)).all()
    assert (np.abs(sound) <= np.abs(frames) * 10 ** (MAX_GAIN / 20) * 1.0001).all()


def test_faint_and_loud_sound_end_up_alike() -> None:
    faint, loud = (louder(frames_at(*[level] * 10))[1:] for level in (-40.0, -15.0))
    np.testing.assert_allclose(faint, loud, atol=1e-4)


def test_after_loud_sound_the_gain_comes_back() -> None:
    deviations = louder(frames_at(*[-15.0] * 10, *[-40.0] * 100)).std(axis=1)
    assert deviations[12] < 0.3 < 0.7 < deviations[-1]


def test_silence_stays_silent() -> None:
    nothing = np.zeros((3, FRAME), np.float32)
    assert not louder(nothing).any()
    assert (recent_levels(nothing, QUIETEST) == QUIETEST).all()
