"""Log mel energies are those of faster-whisper."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from tests.recordings import conversation
from utils.audio.log_mel import log_mel

SPEECH = conversation("conversation").samples


@pytest.mark.parametrize("num_mels", [80, 128])
@pytest.mark.parametrize("num_samples", [160, 1600, 16_159, 80_000])
def test_frames_equal_those_of_the_library(num_mels: int, num_samples: int) -> None:
    expected = FeatureExtractor(num_mels)(SPEECH[:num_samples])[..., : num_samples // 160]
    found = log_mel(SPEECH[:num_samples], num_mels)
    assert found.shape == (num_mels, num_samples // 160)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("num_samples", [0, 1, 159])
def test_less_than_a_frame_has_none(num_samples: int) -> None:
    assert log_mel(SPEECH[:num_samples], 80).shape == (80, 0)


def test_silence_is_the_lowest_value() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(1600, np.float32), 80), -1.5, atol=1e-6)
