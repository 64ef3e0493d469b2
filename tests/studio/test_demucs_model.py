"""Demucs on tiny networks of random weights: the same samples as Demucs itself gives, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels, apply_model
from demucs.demucs import Demucs
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, save_with_checksum
from safetensors.torch import save_file

from backends.demucs import DemucsModel, load_separation_model
from exceptions import ModelFailedError, ModelUnavailableError
from models import AudioClip
from seams import SeparationModel
from services.separation_service import VocalSeparationService
from tests.fakes import DirectDecoder
from tests.recordings import tone, wav
from utils.audio.overlap_add import OverlapAdder, Samples, SegmentCutter, weighted_mean
from utils.decoding.tracks import ANY_TRACK
from utils.model_manager import ModelSlot, ModelSource

pytestmark = pytest.mark.filterwarnings("ignore")

TINY = Path(__file__).parent / "fixtures" / "demucs_tiny"
RATE = 8000
SOURCES = ["drums", "bass", "other", "vocals"]


def load(name: str, folder: Path = TINY) -> DemucsModel:
    return load_separation_model(name, folder, "cpu", threads=1)


def network(name: str) -> Any:
    return load_safetensors_model(TINY / f"{name}.safetensors")


def noise(seconds: float) -> Samples:
    return np.random.default_rng(1).standard_normal((2, round(seconds * RATE))).astype(np.float32)


def streamed(model: DemucsModel, mix: Samples) -> Samples:
    layout = model.layout()
    cutter = SegmentCutter(layout.segment, len(mix))
    adder = OverlapAdder(layout.segment, (len(layout.weights), len(mix)))
    excerpts = [*cutter.feed(mix[:, :9999]), *cutter.feed(mix[:, 9999:]), *cutter.finish()]
    parts = [adder.add(model.separate(e.block, e.offset, e.length)) for e in excerpts]
    return weighted_mean(np.concatenate([*parts, adder.finish()], axis=-1), layout.weights)


def whole(model: Any, mix: Samples) -> Samples:
    estimates = apply_model(model.eval(), torch.tensor(mix)[None], shifts=0, overlap=0.25, split=True)
    vocals: Samples = estimates[0, SOURCES.index("vocals")].numpy()
    return vocals


@pytest.mark.parametrize("name", ["tiny_ht", "tiny_hd"])
def test_one_network_is_bit_equal(name: str) -> None:
    mix = noise(4.2)
    np.testing.assert_array_equal(streamed(load(name), mix), whole(network(name), mix))


def test_a_bag_is_bit_equal() -> None:
    mix = noise(13.3)
    bag = BagOfModels([network("tiny_ht"), network("tiny_hd")], [[1, 1, 1, 2], [1, 1, 1, 1]])
    np.testing.assert_array_equal(streamed(load("tiny_bag"), mix), whole(bag, mix))


def test_a_network_that_hears_past_its_segment_is_bit_equal() -> None:
    torch.manual_seed(0)
    older = Demucs(SOURCES, channels=8, growth=1, depth=4, lstm_layers=0, samplerate=RATE, segment=3.9)
    assert older.valid_length(int(3.9 * RATE)) > int(3.9 * RATE)
    mix = noise(9)
    model = DemucsModel([older], [1.0], torch.device("cpu"))
    np.testing.assert_array_equal(streamed(model, mix), whole(older, mix))


def test_networks_without_a_say_in_the_vocals_do_not_run(tmp_path: Path) -> None:
    shutil.copy(TINY / "tiny_hd.safetensors", tmp_path)
    shutil.copy(TINY / "tiny_ht.safetensors", tmp_path)
    (tmp_path / "bag.yaml").write_text("models: [tiny_hd, tiny_ht]\nweights: [[1, 1, 1, 0], [0, 0, 0, 1]]")
    model, mix = load("bag", tmp_path), noise(2)
    assert model.layout().weights == (1,)
    np.testing.assert_array_equal(streamed(model, mix), streamed(load("tiny_ht"), mix))


def test_an_error_of_the_library_is_ours() -> None:
    with pytest.raises(ModelFailedError):
        load("tiny_ht").separate(np.zeros((3, RATE), np.float32), 0, RATE)


def pickled(folder: Path, signature: str, sources: list[str], **changes: object) -> None:
    """SIGNATURE-CHECKSUM.th as Demucs publishes them."""
    made = HTDemucs(sources, channels=8, growth=1, depth=4, t_layers=0, samplerate=RATE, **changes)
    args, kwargs = made._init_args_kwargs
    content = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": get_state(made, None)}
    save_with_checksum(content, folder / f"{signature}.th")


def test_a_pickle_is_loaded_when_its_checksum_is_right(tmp_path: Path) -> None:
    pickled(tmp_path, "pickled", SOURCES, segment=4)
    assert load("pickled", tmp_path).layout().segment == 4 * RATE
    path = next(tmp_path.glob("*.th"))
    renamed = path.rename(tmp_path / "pickled-00000000.th")
    with pytest.raises(ModelUnavailableError, match="checksum"):
        load("pickled", tmp_path)
    renamed.rename(tmp_path / "pickled.th")
    with pytest.raises(ModelUnavailableError, match="missing: put"):
        load("pickled", tmp_path)


def nothing(folder: Path) -> None:
    pass


def no_folder(folder: Path) -> None:
    folder.rmdir()


def half_a_file(folder: Path) -> None:
    content = (TINY / "tiny_ht.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def a_command(folder: Path) -> None:
    """Demucs would run it: the file names a class and what to call that with."""
    command = {"klass": "subprocess.Popen", "args": f'[["touch", "{folder}/ran"]]', "kwargs": "{}"}
    save_file({"weight": torch.zeros(1)}, folder / "model.safetensors", command)


def no_vocals(folder: Path) -> None:
    pickled(folder, "model", ["drums", "bass"])


def mono(folder: Path) -> None:
    pickled(folder, "model", SOURCES, audio_channels=1)


def segments_of_two_lengths(folder: Path) -> None:
    pickled(folder, "pickled", SOURCES, segment=3)
    shutil.copy(TINY / "tiny_ht.safetensors", folder)
    (folder / "model.yaml").write_text("models: [pickled, tiny_ht]")


def a_bag_without_its_models(folder: Path) -> None:
    shutil.copy(TINY / "tiny_bag.yaml", folder / "model.yaml")


def a_bag_of_nonsense(folder: Path) -> None:
    (folder / "model.yaml").write_text("models: {: [")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (nothing, "put model.safetensors"),
        (no_folder, "put model.safetensors"),
        (half_a_file, "cannot be loaded"),
        (a_command, "does not hold a Demucs network"),
        (no_vocals, "drums, bass but no vocals"),
        (mono, "not for stereo"),
        (segments_of_two_lengths, "different lengths"),
        (a_bag_without_its_models, "put tiny_ht.safetensors"),
        (a_bag_of_nonsense, "cannot be loaded"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, write: Callable[[Path], None], message: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    write(folder)
    with pytest.raises(ModelUnavailableError, match=message):
        load("model", folder)
    assert not (folder / "ran").exists()


async def test_a_recording_comes_out_as_long(tmp_path: Path) -> None:
    sound = tone(9.1)
    (tmp_path / "upload").write_bytes(wav(sound))
    (tmp_path / "audio.s16").write_bytes(b"")
    slot: ModelSlot[SeparationModel] = ModelSlot("separation", ModelSource("tiny", lambda: load("tiny_ht")))
    clip = AudioClip(tmp_path / "audio.s16", len(sound))
    vocals = await VocalSeparationService(slot, DirectDecoder()).separate(
        tmp_path / "upload", ANY_TRACK, clip, tmp_path
    )
    slot.close()
    assert vocals.num_samples == len(sound)
    samples = np.fromfile(vocals.path, "<i2")
    assert len(samples) == len(sound)
    assert samples.any()
