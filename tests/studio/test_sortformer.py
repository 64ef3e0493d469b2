"""A real streaming Sortformer with tiny random weights: exact in steps, and its turns are NeMo's."""

from __future__ import annotations

import io
import pickle
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.diarization.sortformer import Sortformer, load_sortformer
from exceptions import ModelUnavailableError
from models import SAMPLE_RATE, Audio, Span
from tests.recordings import conversation
from tests.studio.side_effects import nothing_else_changes
from utils.speakers.activity import Activity, ActivityRules, seat_turns

pytestmark = pytest.mark.filterwarnings("ignore")

WEIGHTS = Path(__file__).parent / "fixtures" / "sortformer_tiny_streaming.nemo"


@pytest.fixture(scope="module")
def sortformer() -> Sortformer:
    return load_sortformer(str(WEIGHTS), "cpu")


@pytest.fixture(scope="module")
def audio() -> Audio:
    """More than three chunks, so that the network's memory fills and is compressed."""
    spoken = conversation("conversation").samples
    return np.concatenate([spoken, spoken])[: 100 * SAMPLE_RATE + 77]


def in_steps(sortformer: Sortformer, audio: Audio, cuts: list[int]) -> Activity:
    rows, state = [], None
    for start, stop in pairwise([0, *cuts, len(audio)]):
        activity, state = sortformer.step(audio[start:stop], state, stop == len(audio))
        state = pickle.loads(pickle.dumps(state))
        rows.append(activity)
    return np.concatenate(rows)


def forward(sortformer: Sortformer, audio: Audio) -> Activity:
    with torch.inference_mode():
        signal = torch.from_numpy(audio)[None]
        whole = sortformer._network.forward(
            audio_signal=signal, audio_signal_length=torch.tensor([len(audio)])
        )
    return whole[0].numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("each", [27.2, 10.0, 41.3])
def test_steps_are_forward_however_the_audio_is_cut(
    sortformer: Sortformer, audio: Audio, each: float
) -> None:
    cuts = list(range(round(each * SAMPLE_RATE) + 13, len(audio), round(each * SAMPLE_RATE)))
    stepped, whole = in_steps(sortformer, audio, cuts), forward(sortformer, audio)
    assert stepped.shape == whole.shape == (-(-(len(audio) // 160) // 8), 4)
    assert np.abs(stepped - whole).max() < 1e-5


@pytest.mark.parametrize("length", [0, 100, 160, 1300, 5000])
def test_short_audio_has_its_frames(sortformer: Sortformer, audio: Audio, length: int) -> None:
    activity, _ = sortformer.step(audio[:length], None, True)
    assert activity.shape == (-(-(length // 160) // 8), 4)


def test_the_state_is_bounded(sortformer: Sortformer, audio: Audio) -> None:
    step = sortformer.layout().step
    state, sizes = None, []
    for start in range(0, len(audio) - step, step):
        _, state = sortformer.step(audio[start : start + step], state, False)
        sizes.append(len(pickle.dumps(state)))
    assert state is not None
    assert len(state.cache) <= 188
    assert len(state.buffer.audio) < step + 5 * SAMPLE_RATE
    assert max(sizes) < 4 * (step + 5 * SAMPLE_RATE) + 200_000


def test_a_step_changes_nothing_else_and_is_repeatable(sortformer: Sortformer, audio: Audio) -> None:
    _, state = sortformer.step(audio[: 30 * SAMPLE_RATE], None, False)
    rest = audio[30 * SAMPLE_RATE : 60 * SAMPLE_RATE]
    with nothing_else_changes():
        once = sortformer.step(rest, state, True)[0]
    assert np.array_equal(once, sortformer.step(rest, state, True)[0])


def test_turns_are_those_of_nemo() -> None:
    from nemo.collections.asr.parts.utils.vad_utils import PostProcessingParams, ts_vad_post_processing
    from omegaconf import OmegaConf

    settings = OmegaConf.structured(
        PostProcessingParams(
            0.56, 1.0, pad_onset=0.063, pad_offset=0.002, min_duration_on=0.007, min_duration_off=0.151
        )
    )
    rng = np.random.default_rng(4)
    activity = np.repeat(rng.random((80, 1), np.float32), rng.integers(1, 6, 80), axis=0)
    theirs = ts_vad_post_processing(torch.from_numpy(activity[:, 0]), settings, unit_10ms_frame_count=8)
    ours = seat_turns(activity, 1280, Span(0, len(activity) * 1280), ActivityRules())
    spans = np.array([(turn.start, turn.stop) for turn in ours]) / SAMPLE_RATE
    assert spans.shape == tuple(theirs.shape)
    assert np.abs(spans - theirs.numpy()).max() < 0.011  # NeMo drops the last 10 ms of a turn


def test_weights_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"none\.nemo"):
        load_sortformer(str(tmp_path / "none.nemo"), "cpu")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.nemo"
    broken.write_text("no model")
    with pytest.raises(ModelUnavailableError, match=r"broken\.nemo"):
        load_sortformer(str(broken), "cpu")


def test_an_offline_sortformer_is_refused(tmp_path: Path) -> None:
    offline = tmp_path / "offline.nemo"
    with tarfile.open(WEIGHTS) as source, tarfile.open(offline, "w") as target:
        for member in source.getmembers():
            file = source.extractfile(member)
            content = file.read() if file else b""
            if member.name.endswith(".yaml"):
                content = content.replace(b"normalize: NA", b"normalize: per_feature")
            member.size = len(content)
            target.addfile(member, io.BytesIO(content) if file else None)
    with pytest.raises(ModelUnavailableError, match="offline"):
        load_sortformer(str(offline), "cpu")
