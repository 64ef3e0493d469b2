"""A real Nemotron 3 Diarization with tiny random weights: exact in steps."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.diarization.nemotron import Nemotron, load_nemotron
from exceptions import ModelUnavailableError
from models import SAMPLE_RATE, Audio
from tests.recordings import conversation
from tests.studio.side_effects import nothing_else_changes
from utils.speakers.activity import Activity

pytestmark = pytest.mark.filterwarnings("ignore")

FOLDER = Path(__file__).parent / "fixtures" / "nemotron3_tiny"


@pytest.fixture(scope="module")
def nemotron() -> Nemotron:
    return load_nemotron(str(FOLDER), "cpu")


@pytest.fixture(scope="module")
def audio() -> Audio:
    """More than three chunks, so that the network's memory fills and is compressed."""
    spoken = conversation("conversation").samples
    return np.concatenate([spoken, spoken])[: 100 * SAMPLE_RATE + 77]


def in_steps(nemotron: Nemotron, audio: Audio, cuts: list[int]) -> Activity:
    rows, state = [], None
    for start, stop in pairwise([0, *cuts, len(audio)]):
        activity, state = nemotron.step(audio[start:stop], state, stop == len(audio))
        state = pickle.loads(pickle.dumps(state))
        rows.append(activity)
    return np.concatenate(rows)


def forward(nemotron: Nemotron, audio: Audio) -> Activity:
    """The network on the whole, less the last frame of features, which its own processor masks."""
    with torch.inference_mode():
        features = nemotron._features(audio)[:, : len(audio) // 160]
        return nemotron._network(input_features=features).logits[0].sigmoid().numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("each", [27.2, 10.0, 41.3])
def test_steps_are_forward_however_the_audio_is_cut(nemotron: Nemotron, audio: Audio, each: float) -> None:
    cuts = list(range(round(each * SAMPLE_RATE) + 13, len(audio), round(each * SAMPLE_RATE)))
    stepped, whole = in_steps(nemotron, audio, cuts), forward(nemotron, audio)
    assert stepped.shape == whole.shape == (len(audio) // 160, 8)
    assert np.abs(stepped - whole).max() < 1e-5


@pytest.mark.parametrize("length", [0, 100, 160, 1300])
def test_short_audio_has_its_frames(nemotron: Nemotron, audio: Audio, length: int) -> None:
    activity, _ = nemotron.step(audio[:length], None, True)
    assert activity.shape == (length // 160, 8)


def test_a_step_changes_nothing_else_and_is_repeatable(nemotron: Nemotron, audio: Audio) -> None:
    _, state = nemotron.step(audio[: 30 * SAMPLE_RATE], None, False)
    rest = audio[30 * SAMPLE_RATE : 60 * SAMPLE_RATE]
    with nothing_else_changes():
        once = nemotron.step(rest, state, True)[0]
    assert np.array_equal(once, nemotron.step(rest, state, True)[0])


def test_weights_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"model\.safetensors"):
        load_nemotron(str(tmp_path), "cpu")
