"""The level of a recording, block by block and at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.audio.level import LevelMeter


@thorough
@given(st.integers(2, 300), st.integers(1, 100), st.floats(-0.5, 0.5), st.floats(0.001, 0.5))
def test_it_is_that_of_the_whole(length: int, size: int, mean: float, deviation: float) -> None:
    noise = np.random.default_rng(length).normal(mean, deviation, (2, length)).astype(np.float32)
    meter = LevelMeter()
    for start in range(0, length, size):
        meter.add(noise[:, start : start + size])
    mono = noise.mean(axis=0)
    assert meter.level.mean == pytest.approx(mono.mean(), abs=1e-6)
    assert meter.level.deviation == pytest.approx(mono.std(ddof=1), rel=1e-4)
    there_and_back = meter.level.restored(meter.level.normalised(noise))
    np.testing.assert_allclose(there_and_back, noise, atol=1e-6)


def test_silence_stays_finite() -> None:
    meter = LevelMeter()
    meter.add(np.zeros((2, 100), np.float32))
    assert not meter.level.normalised(np.zeros((2, 10), np.float32)).any()
