"""A file made of parts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from backends.whisper.joined_file import BLOCK, joined_file


@pytest.mark.parametrize("sizes", [(5,), (BLOCK + 3, 0, 7)])
def test_it_holds_what_its_parts_hold(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    contents = [bytes([number]) * size for number, size in enumerate(sizes)]
    parts = [tmp_path / str(number) for number in range(len(sizes))]
    for part, content in zip(parts, contents, strict=True):
        part.write_bytes(content)
    whole = b"".join(contents)
    path = tmp_path / "whole"
    with joined_file(path, parts) as digest:
        assert digest == hashlib.sha256(whole).hexdigest()
        assert [path.read_bytes() for _ in range(2)] == [whole, whole]
