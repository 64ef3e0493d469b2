"""The command-line client, as a program, against a running server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    settings = Settings(_env_file=None, workspace_dir=folder / "work", data_dir=folder / "data")
    with running_server(settings, fake_loaders()) as running:
        yield running


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(tone(3.0)))
    return path


def run(server: RunningServer, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "--url", f"{server.url}/v1", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_answer_goes_to_standard_output(server: RunningServer, recording: Path) -> None:
    done = run(server, recording, "-f", "srt", "-l", "en")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1\n00:00:00,")
    assert "w w w" in done.stdout


def test_the_answer_goes_to_a_file_and_the_job_is_deleted(
    server: RunningServer, folder: Path, recording: Path, tmp_path: Path
) -> None:
    target = tmp_path / "talk.json"
    done = run(server, recording, "-f", "diarized_json", "-o", target, "-F", "num_speakers=1")
    assert (done.returncode, done.stdout) == (0, "")
    assert '"speaker":"A"' in target.read_text()
    assert not list((folder / "data/jobs").glob("*"))


def test_a_refusal_of_the_server_is_shown(server: RunningServer, recording: Path) -> None:
    done = run(server, recording, "-F", "temperature=7")
    assert done.returncode == 1
    assert "temperature" in done.stderr
    recording.write_bytes(b"no audio at all")
    done = run(server, recording)
    assert done.returncode == 1
    assert "audio" in done.stderr


def test_a_wrong_setting_is_named_before_models_are_pulled() -> None:
    command = [sys.executable, "-m", "cli", "pull-models"]
    environment = os.environ | {"PORT": "many"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_named(recording: Path) -> None:
    command = [sys.executable, "-m", "cli", "--url", "http://127.0.0.1:9/v1", str(recording)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make serve" in done.stderr
    assert "Traceback" not in done.stderr
