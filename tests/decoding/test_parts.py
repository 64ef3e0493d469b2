"""Where one recording of a file ends and the next begins."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from utils.decoding.parts import next_part, wav_options


def test_the_nearest_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100 + b"RIFF....WAVE" + b"y" * 50 + b"fLaC" + b"caff\0\x01")
    with path.open("rb") as file:
        assert next_part(file, 0) == 100
        assert next_part(file, 101) == 166
        assert next_part(file, 170) is None


def test_a_box_begins_before_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10 + b"\0\0\0\x18ftypisom")
    with path.open("rb") as file:
        assert next_part(file, 10) == 10
        assert next_part(file, 12) is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes(content: bytes, after: int) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"RIFF\0\0\0\0WAVE" + content)
        file.flush()
        assert wav_options(file) in ({}, {"ignore_length": "1"})
        found = next_part(file, after)
        assert found is None or found >= after
