"""When weights are installed, and what is said where they cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cli.install_weights import install_missing_weights
from config import Settings
from tests.packaging.installation import link_dependencies
from tests.packaging.requirement_files import ROOT


def test_weights_that_the_settings_do_not_need_are_not_installed(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        whisper_model="whisper-tiny.en",
        enable_speaker_diarization=False,
        device="cpu",
        data_dir=tmp_path,
    )
    install_missing_weights(settings)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_without_pip_is_told_how_to_get_it(tmp_path: Path) -> None:
    """-S leaves the packages of the environment out."""
    link_dependencies(tmp_path / "packages", but=("pip",))
    command = [sys.executable, "-S", "-m", "cli", "install-weights", "--to", str(tmp_path / "weights")]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "packages")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "has no pip" in line
    assert "ensurepip" in line
    assert not (tmp_path / "weights").exists()
