"""Documents, compared with the code that they describe."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from options import ResponseFormat
from services.requests.form import LISTS, TranscriptionForm
from tests.compatibility import AREAS
from tests.packaging.requirement_files import requirements
from tests.servers import RunningServer, running_server

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMPATIBILITY = ROOT / "docs/compatibility.md"


def documented_settings() -> dict[str, str]:
    """NAME: value of every line of .env.example, commented out or not."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", line)[0] for line in lines if re.match(r"#?[A-Z_]+=", line))


def test_env_example_has_every_setting_with_its_default() -> None:
    documented = documented_settings()
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert list(documented) == list(defaults)
    for name, default in defaults.items():
        shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        assert documented[name] == shown, name


def test_env_example_explains_every_setting_as_the_code_does() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        explained = " ".join((field.description or "").split())
        assert explained, name
        assert explained in " ".join(line.removeprefix("# ") for line in text.splitlines()), name


def test_settings_of_the_example_are_accepted(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("".join(f"{name}={value}\n" for name, value in documented_settings().items() if value))
    assert Settings(_env_file=env) == Settings(_env_file=None)


def test_every_requirement_is_pinned_and_explained() -> None:
    explained = (ROOT / "docs/dependencies.md").read_text()
    for file in (
        "requirements.txt",
        "requirements-studio.txt",
        "requirements-gpu.txt",
        "requirements-gpu-onnxruntime.txt",
        "requirements-weights.txt",
        "requirements-dev.txt",
        "requirements-bench.txt",
        "requirements-microphone.txt",
        "requirements-peers.txt",
        "requirements-peers-live.txt",
    ):
        for requirement in requirements(file):
            name, pin, _ = requirement.partition("==")
            assert pin, requirement
            assert f"**{name}**" in explained, name


def test_the_commands_of_the_readme_exist() -> None:
    readme = README.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE))
    assert {"serve", "test"} <= named <= targets


def test_the_table_of_the_contract_has_the_rows_that_tests_are_marked_with(tmp_path: Path) -> None:
    """Collected by a pytest of its own, so that this file may be run alone; of the files with marks, to be
    quick."""
    rows = tmp_path / "rows.md"
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    marked_files = [str(path) for path in tests if "pytest.mark.contract" in path.read_text()]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "contract", *marked_files],
        cwd=ROOT,
        env=os.environ | {"WRITE_COMPATIBILITY": str(rows)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout
    marked = rows.read_text().replace("| not run |", "| yes |")
    assert marked == COMPATIBILITY.read_text(), "run `make compatibility`"


def test_the_table_of_the_contract_has_every_field_and_format() -> None:
    table = COMPATIBILITY.read_text()
    assert re.findall(r"^## (.*)$", table, re.MULTILINE) == list(AREAS)
    assert "|  |" not in table, "every row says how"
    fields = [f"{name}[]" if name in LISTS else name for name in TranscriptionForm.model_fields]
    assert [name for name in (*fields, *ResponseFormat) if f"\n| `{name}` | yes |" not in table] == []


def block(language: str, containing: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    return next(found for found in blocks if containing in found)


def shown_after(code: str) -> str:
    """The output that the README shows under a block."""
    shown = re.search(r"```\n\n```\n(.*?)```", README.read_text().split(code)[1], re.DOTALL)
    assert shown
    return shown[1]


def without_times(text: str) -> list[str]:
    """Lines with digits masked: processors differ in the last frame of a time, not in the words."""
    return [re.sub(r"\d", "0", line).strip() for line in text.strip().splitlines()]


@pytest.fixture(scope="module")
def default_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """What `make serve` starts on a machine without a GPU: every default, the embedded Whisper base."""
    settings = Settings(_env_file=None, device="cpu", workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings) as server:
        yield server


def run_as_shown(code: list[str], server: RunningServer) -> str:
    command = [part.replace("http://127.0.0.1:8000", server.url) for part in code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is not installed; the client below sends the same"
)
def test_the_curl_of_the_readme_prints_what_it_shows(default_server: RunningServer) -> None:
    code = block("sh", "curl")
    output = run_as_shown(shlex.split(code.replace("\\\n", " ")), default_server)
    assert without_times(output) == without_times(shown_after(code))


def test_the_client_of_the_readme_prints_what_it_shows(default_server: RunningServer) -> None:
    code = block("python", "OpenAI")
    output = run_as_shown([sys.executable, "-c", code], default_server)
    assert without_times(output) == without_times(shown_after(code))
