"""Every stage on tiny real models, each in its process, through HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from config import Settings
from loaders import default_loaders
from models import SAMPLE_RATE
from tests.fakes import ScriptedRecogniser
from tests.recordings import conversation, wav
from tests.servers import RunningServer, running_server
from utils.model_manager import ModelSource
from utils.slot_report import SlotState

pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parent.parent.parent
FIXTURES = Path(__file__).parent / "fixtures"
FOUR = conversation("four_voices", FIXTURES)
NEMO = {
    "diarization_backend": "nemo",
    "diarization_model": str(FIXTURES / "sortformer_tiny_streaming.nemo"),
    "speaker_model": str(FIXTURES / "titanet_tiny_trained.nemo"),
}
BACKENDS: dict[str, dict[str, Any]] = {
    "embedded": {"diarization_backend": "embedded"},
    "senko": {"diarization_backend": "senko"},
    "sortformer": NEMO,
    "nemotron": NEMO | {"diarization_model": str(FIXTURES / "nemotron3_tiny")},
}
STAGES: dict[str, Any] = {
    "enable_vocal_separation": "auto",
    "separation_repo": FIXTURES / "demucs_tiny",
    "separation_model": "tiny_ht",
    "enable_alignment": True,
    "alignment_model": str(FIXTURES / "ctc_flite"),
    "enable_punctuation_restoration": True,
    "punctuation_model": str(FIXTURES / "punctuation_tiny"),
}


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, whisper_model="whisper-tiny.en", workspace_dir=folder, **changes)


@contextmanager
def diarizing_server(folder: Path, backend: str, **changes: Any) -> Iterator[RunningServer]:
    """What was said is not the point here, so the recogniser is a fake."""
    config = settings(folder, **BACKENDS[backend], **changes)
    scripted = ModelSource("scripted", ScriptedRecogniser)
    with running_server(config, replace(default_loaders(config), recogniser=scripted)) as server:
        yield server


def post(server: RunningServer, file: bytes, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1", "response_format": "verbose_json", "diarize": "true"} | fields
    url = f"{server.url}/v1/audio/transcriptions"
    return httpx.post(url, data=data, files={"file": ("talk.wav", file)}, timeout=300)


def turns(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json()["turns"]


def children() -> dict[int, float]:
    """Processes of models: their start, by process id."""
    found = {}
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "utils.process.model_child" in child.cmdline():
                found[child.pid] = child.create_time()
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.fixture(scope="module", params=BACKENDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    with diarizing_server(tmp_path_factory.mktemp("work"), request.param) as server:
        yield server


def test_sixteen_at_once_get_what_each_would_get_alone(server: RunningServer) -> None:
    clips = [wav(FOUR.samples[: seconds * SAMPLE_RATE]) for seconds in (5, 7, 9, 11)]
    alone = [turns(post(server, clip)) for clip in clips]
    processes = children()
    with ThreadPoolExecutor(16) as callers:
        together = list(callers.map(lambda clip: turns(post(server, clip)), clips * 4))
    assert together == alone * 4
    assert children() == processes, "a model was loaded twice"
    assert list(server.state.temp.root.iterdir()) == []


def test_the_number_of_speakers_that_was_asked_for_is_found(server: RunningServer) -> None:
    if "senko" in {report.model for report in server.state.models.reports().values()}:
        pytest.skip("senko cannot be told how many speak")
    answer = post(server, wav(FOUR.samples), num_speakers="4").json()
    assert {turn["speaker"] for turn in answer["turns"]} == {"A", "B", "C", "D"}


def test_a_model_killed_at_work_fails_its_caller_and_nobody_else(server: RunningServer) -> None:
    if not children():
        pytest.skip("the embedded models have no process of their own")
    clip = wav(FOUR.samples[: 10 * SAMPLE_RATE])
    good = turns(post(server, clip))
    with ThreadPoolExecutor(1) as caller:
        victim = caller.submit(post, server, clip)
        wait_until(lambda: bool(server.state.admission.in_flight))
        time.sleep(0.05)
        for pid in children():
            psutil.Process(pid).kill()
        answer = victim.result()
    assert answer.status_code == 200 or answer.json()["error"]["code"] == "model_failed"
    assert turns(post(server, clip)) == good
    assert list(server.state.temp.root.iterdir()) == []


def test_an_idle_model_gives_its_memory_back(tmp_path: Path) -> None:
    clip, others = wav(FOUR.samples[: 5 * SAMPLE_RATE]), children()
    with diarizing_server(tmp_path, "senko", model_idle_seconds=2) as server:
        before = turns(post(server, clip))
        assert (server.state.models.reports()["senko"].memory or 0) > 100e6
        wait_until(lambda: server.state.models.reports()["senko"].state is SlotState.UNLOADED)
        assert children() == others
        assert turns(post(server, clip)) == before


def test_every_stage_at_once_on_real_models(tmp_path: Path) -> None:
    words = {"timestamp_granularities[]": "word"}
    clip, others = (ROOT / "tests/fixtures/dialogue.flac").read_bytes(), children()
    with running_server(settings(tmp_path, **NEMO, **STAGES)) as server:
        aligned = post(server, clip, separate_vocals="false", **words).json()
        plain = post(server, clip, separate_vocals="false", align="false", **words).json()
        assert [word["word"] for word in aligned["words"]] == [word["word"] for word in plain["words"]]
        assert [word["start"] for word in aligned["words"]] != [word["start"] for word in plain["words"]]
        separated = post(server, clip, separate_vocals="true")
        assert separated.status_code == 200
        assert separated.json()["duration"] == plain["duration"]
        ready = httpx.get(f"{server.url}/health/ready").json()["models"]
    assert set(ready) == {"speech", "whisper", "seats", "voices", "separation", "alignment", "punctuation"}
    assert all(model["state"] == "loaded" and model["memory_mb"] is not None for model in ready.values())
    assert children() == others


def pull_models(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "pull-models", *words],
        env=os.environ | {"WHISPER_MODEL": "whisper-tiny.en", "HF_HUB_OFFLINE": "1"} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_models_are_fetched_and_tried_before_the_host_goes_offline(tmp_path: Path) -> None:
    stages = {name.upper(): str(value) for name, value in STAGES.items()}
    run = pull_models("--all", WORKSPACE_DIR=str(tmp_path), **stages)
    assert run.returncode == 0, run.stderr
    slots = [line.split(":")[0] for line in run.stdout.splitlines()]
    assert slots == ["speech", "segmentation", "voices", "whisper", "alignment", "punctuation", "separation"]
    assert not list(tmp_path.iterdir()), "it leaves no workspace behind"


def test_a_model_that_cannot_be_fetched_is_named(tmp_path: Path) -> None:
    run = pull_models(
        ENABLE_SPEAKER_DIARIZATION="false",
        ENABLE_PUNCTUATION_RESTORATION="true",
        PUNCTUATION_MODEL=str(tmp_path / "nowhere"),
    )
    assert run.returncode == 1
    assert "nowhere" in run.stderr
