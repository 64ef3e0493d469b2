"""A hash of everything that a result depends on besides the recording and the request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

PARTS = (
    "*.py",
    "backends/**/*.py",
    "backends/**/*.onnx",
    "services/**/*.py",
    "utils/**/*.py",
    "requirements*.txt",
)


def fingerprint(root: Path, extra: Iterable[str]) -> str:
    """Changes with the code, the pinned libraries and each of `extra`."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in PARTS for path in root.glob(pattern)):
        digest.update(path.read_bytes())
    for part in extra:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()
