"""The systemd unit, as systemd itself reads it, and against the settings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from transcription_server.__main__ import COMMAND

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "ops/systemd/transcription-server.service"
GUIDE = ROOT / "docs/deployment.md"
MARGIN_SECONDS = 5
SPECIFIERS = {"%S": "/var/lib", "%C": "/var/cache"}
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: systemd)"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """With a command that exists here, as systemd checks that too."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?m)^ExecStart=.*", f"ExecStart={shutil.which('true')}", UNIT.read_text()))
    return copy


def analyzed(*words: str | Path) -> str:
    command = ["systemd-analyze", "--no-pager", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "systemd warns of what it does not know"
    return done.stdout


def option(name: str) -> list[str]:
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text())


@needs_systemd
def test_systemd_accepts_the_unit(unit: Path) -> None:
    analyzed("verify", unit)


@needs_systemd
def test_systemd_refuses_a_misspelt_option(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("KillMode=", "KilMode="))
    with pytest.raises(AssertionError, match="KilMode"):
        analyzed("verify", unit)


@needs_systemd
def test_the_guide_gives_the_exposure_that_systemd_computes(unit: Path) -> None:
    (level,) = re.findall(r"exposure level for \S+: (\d\.\d)", analyzed("security", "--offline=true", unit))
    (told,) = re.findall(r"exposure level of (\d\.\d)", GUIDE.read_text())
    # Newer versions of systemd weigh options that older ones do not know.
    assert abs(float(level) - float(told)) <= 0.5


def test_its_environment_is_accepted_and_it_waits_longer_than_the_shutdown() -> None:
    values = dict(line.split("=") for line in option("Environment"))
    for name, value in values.items():
        for specifier, folder in SPECIFIERS.items():
            values[name] = values[name].replace(specifier, folder)
        assert name.lower() in Settings.model_fields or name == "HF_HOME", value
    own: dict[str, Any] = {name.lower(): value for name, value in values.items()}
    settings = Settings(_env_file=None, **own)
    assert int(option("TimeoutStopSec")[0]) >= settings.shutdown_seconds + MARGIN_SECONDS
    assert settings.data_dir == Path("/var/lib", option("StateDirectory")[0])
    assert settings.workspace_dir == Path("/var/cache", option("CacheDirectory")[0], "work")


def test_it_runs_the_command_of_the_wheel() -> None:
    assert [Path(command).name for command in option("ExecStart")] == [COMMAND]
