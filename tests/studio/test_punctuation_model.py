"""The real path of the punctuation model, over a tiny network that has memorised six sentences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backends.fullstop import PunctuationModel, load_punctuation_model
from exceptions import ModelFailedError, ModelUnavailableError
from models import Segment
from seams import MarkLabeller
from services.punctuation_service import PunctuationService
from tests.builders import segment, words
from tests.studio.fixtures.build_punctuation_tiny import SENTENCES
from utils.model_manager import ModelSlot, ModelSource
from utils.words.punctuation import LABELS

pytestmark = pytest.mark.filterwarnings("ignore")

TINY = Path(__file__).parent / "fixtures" / "punctuation_tiny"


@pytest.fixture(scope="module")
def model() -> PunctuationModel:
    return load_punctuation_model(str(TINY), "cpu")


@pytest.fixture
def service() -> Iterator[PunctuationService]:
    load = partial(load_punctuation_model, str(TINY), "cpu")
    slot: ModelSlot[MarkLabeller] = ModelSlot("punctuation", ModelSource("tiny", load))
    yield PunctuationService(slot, frozenset({"en"}))
    slot.close()


def unmarked(sentence: str) -> Segment:
    return segment(words("".join(sign for sign in sentence.lower() if sign not in ".,?:")))


@pytest.mark.parametrize("sentence", SENTENCES)
async def test_sentences_that_it_knows_come_back(service: PunctuationService, sentence: str) -> None:
    restored = await service.restore([unmarked(sentence)], "en")
    assert "".join(part.text for part in restored) == " " + sentence
    assert len(restored) == sum(sentence.count(end) for end in ".?")


def test_scraps_have_labels(model: PunctuationModel) -> None:
    assert model.label(()) == ()
    assert model.label(("",)) == ("0",)
    assert len(model.label(("me",))) == 1
    known = model.label(("do", "you", "hear", "me"))
    assert known == ("0", "0", "0", "?")
    assert len(model.label(("do", "", "♪", "—", "me"))) == 5


def test_text_over_the_networks_limit_is_labelled_in_parts(model: PunctuationModel) -> None:
    sentence = ("do", "you", "hear", "me")
    assert len(model.label(sentence * 500)) == 2000
    endless = model.label(("me" * 3000, *sentence))
    assert len(endless) == 5
    assert set(endless) <= LABELS


def test_labels_do_not_depend_on_what_was_asked_before(model: PunctuationModel) -> None:
    sentence = ("where", "is", "the", "station")
    first = model.label(sentence)
    model.label(("do", "you", "hear", "me"))
    assert model.label(sentence) == first


def test_a_network_that_fails_raises_our_own_error() -> None:
    broken = load_punctuation_model(str(TINY), "cpu")
    broken._network.classifier = torch.nn.Linear(3, 6)
    with pytest.raises(ModelFailedError):
        broken.label(("do", "you"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "model"))


def refusal(model: str | Path) -> str:
    with pytest.raises(ModelUnavailableError) as refused:
        load_punctuation_model(str(model), "cpu")
    return refused.value.message


def test_what_a_folder_lacks_is_named(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    assert "lacks model.safetensors" in refusal(copy)


def test_another_kind_of_model_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["id2label"]["4"] = "PERSON"
    (copy / "config.json").write_text(json.dumps(config))
    assert "is not a punctuation model" in refusal(copy)


def test_weights_that_are_not_all_there_are_refused(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert "is not a punctuation model" in refusal(copy)


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["hidden_size"] = 32
    (copy / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal(copy)


def test_broken_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"nothing of the kind")
    assert "cannot be loaded" in refusal(copy)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "or a folder with config.json" in refusal(tmp_path / "nowhere")
