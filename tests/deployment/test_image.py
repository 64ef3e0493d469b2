"""What the Dockerfile puts into the images, without Docker: its COPY lines are followed here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from config import Settings
from tests.deployment.dockerfile import ROOT, context, copies, copy_program, instructions, matching
from tests.recordings import conversation, plain_words
from tests.servers import wait_until

DIALOGUE = conversation("dialogue")
NEEDED = {"HOST", "PORT", "DATA_DIR", "WORKSPACE_DIR"}  # settings that a container has values of its own for


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "app"
    copy_program(folder)
    return folder


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def modules() -> set[Path]:
    """Every module but those of the tests and benchmarks, and the files beside them."""
    folders = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests", ROOT / "benchmarks"}
    beside = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    found = {*ROOT.glob("*.py"), *(path for path in beside if "__pycache__" not in path.parts)}
    return {path.relative_to(ROOT) for path in found}


def test_every_source_that_is_copied_exists_and_is_sent() -> None:
    sources = {source for named, _ in copies() for source in named}
    assert {source for source in sources if not matching(source)} == set()


def test_the_image_holds_every_module_and_the_requirements_and_nothing_else(program: Path) -> None:
    requirements = {path.relative_to(ROOT) for path in ROOT.glob("requirements*.txt")}
    assert files(program) == modules() | requirements


def test_nothing_is_sent_that_is_not_copied() -> None:
    sent = set(context())
    assert sent == {path for named, _ in copies() for source in named for path in matching(source)}
    assert not {path for path in sent if path.name.startswith(".") or "__pycache__" in path.parts}


def test_what_the_image_holds_is_all_that_the_server_imports(program: Path) -> None:
    imported = "import server, loaders, cli.pull_models, cli.transcribe, cli.health, transcription_server"
    environment = os.environ | {"PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-c", imported]
    done = subprocess.run(
        command, cwd=program.parent, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_server_writes_only_into_the_folders_of_the_volume(program: Path, tmp_path: Path) -> None:
    """So that the root file system may be read-only."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: tmp_path / name for name in ("HOME", "TMPDIR", "DATA_DIR", "WORKSPACE_DIR", "HF_HOME")}
    for folder in places.values():
        folder.mkdir()
    shipped = files(program)
    environment = {
        **{name: str(folder) for name, folder in places.items()},
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PORT": str(port),
        "WHISPER_MODEL": "whisper-tiny.en",
        "DEVICE": "cpu",
        "ENABLE_SPEAKER_DIARIZATION": "false",
    }
    health = [sys.executable, "-m", "cli", "health", "--ready"]
    with subprocess.Popen([sys.executable, "server.py"], cwd=program, env=environment) as server:

        def is_ready() -> bool:
            assert server.poll() is None
            return subprocess.run(health, cwd=program, env=environment, timeout=60).returncode == 0

        try:
            wait_until(is_ready)
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/audio/transcriptions",
                data={"model": "whisper-1"},
                files={"file": DIALOGUE.audio.read_bytes()},
                timeout=60,
            )
        finally:
            server.terminate()
        assert server.wait(20) == 0
    assert plain_words(answer.json()["text"]) == DIALOGUE.words
    assert files(program) == shipped
    assert [name for name in ("HOME", "TMPDIR", "HF_HOME") if files(places[name])] == []
    assert files(places["DATA_DIR"])


def test_the_images_differ_only_in_their_packages() -> None:
    stages = {
        stage: [(i.word, i.rest) for i in instructions() if i.stage == stage] for stage in ("cpu", "gpu")
    }
    packages = {stage: f"--link --from=packages-{stage} /opt/venv /opt/venv" for stage in stages}
    for stage, lines in stages.items():
        copied = [rest for word, rest in lines if word == "COPY"]
        assert copied == [packages[stage], "--link --from=program /app /app"]
    assert instructions()[-1].stage == "cpu", "what `docker build .` makes"


def test_the_settings_of_the_image_are_settings() -> None:
    (line,) = (i.rest for i in instructions() if i.stage == "base" and i.word == "ENV")
    values = dict(re.findall(r"(\w+)=(\S+)", line))
    assert values.keys() >= NEEDED
    settings = Settings(_env_file=None, **{name.lower(): values[name] for name in NEEDED})
    assert settings.shutdown_seconds < 10, "Docker kills after ten seconds unless told otherwise"
    assert {settings.workspace_dir, settings.data_dir} == {Path("/data/work"), Path("/data/kept")}
