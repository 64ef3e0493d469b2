"""A file whose parts lie in several packages, for a library that opens it by its path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 18


@contextmanager
def joined_file(path: Path, parts: Sequence[Path]) -> Iterator[str]:
    """Makes `path` hold the content of `parts` and yields its SHA-256. A single part is linked; several are
    joined in memory (on a system without anonymous files on disk), which is freed on leaving."""
    if len(parts) == 1:
        path.symlink_to(parts[0])
        with parts[0].open("rb") as file:
            yield hashlib.file_digest(file, "sha256").hexdigest()
        return
    with _new_file(path) as joined:
        digest, block = hashlib.sha256(), bytearray(BLOCK)
        for part in parts:
            with part.open("rb", buffering=0) as file:
                while count := file.readinto(block):
                    digest.update(memoryview(block)[:count])
                    joined.write(memoryview(block)[:count])
        joined.flush()
        yield digest.hexdigest()


def _new_file(path: Path) -> BinaryIO:
    if not hasattr(os, "memfd_create"):
        return path.open("wb")
    file = os.fdopen(os.memfd_create(path.name), "wb")
    path.symlink_to(f"/proc/self/fd/{file.fileno()}")
    return file
