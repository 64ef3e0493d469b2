"""Files that hold more than their header says: recordings appended to each other, wrong WAV sizes."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

SEARCHED = 1 << 20  # bytes after the end of one recording in which another may begin
MAX_PARTS = 1000

# (offset in the file, bytes): what a container begins with.
SIGNATURES = (
    ((0, b"RIFF"), (8, b"WAVE")),
    ((0, b"OggS\0\x02"),),  # the first page of a stream
    ((0, b"FORM"), (8, b"AIF")),
    ((4, b"ftyp"),),
    ((0, b"FLV\x01"),),
    ((0, b"TTA1"),),
    ((0, b"wvpk"),),
    ((0, b"caff\0\x01"),),
    ((0, b"#!AMR"),),
    ((0, b".snd"),),
)


def next_part(file: BinaryIO, after: int) -> int | None:
    """Where the next recording begins, soon after that which ends at `after`."""
    file.seek(after)
    rest = file.read(SEARCHED)
    found = (_first_match(rest, signature) for signature in SIGNATURES)
    starts = [start for start in found if start is not None]
    return after + min(starts) if starts else None


def _first_match(data: bytes, signature: tuple[tuple[int, bytes], ...]) -> int | None:
    (offset, magic), *others = signature
    position = data.find(magic, offset)
    while position >= 0:
        start = position - offset
        if all(data.startswith(expected, start + other) for other, expected in others):
            return start
        position = data.find(magic, position + 1)
    return None


def wav_options(file: BinaryIO) -> dict[str, str]:
    """FFmpeg's options for a file: `ignore_length` for a WAV whose data go on behind their stated end."""
    end = os.fstat(file.fileno()).st_size
    position = _data_end(file, end)
    while position is not None and position + 8 < end:
        name, size = _chunk(file, position)
        if name == b"RIFF":
            return {}  # another WAV, see `next_part`
        if not name.isascii() or not name.decode().isprintable() or position + 8 + size > end + 1:
            return {"ignore_length": "1"}
        position += 8 + size + size % 2
    return {}


def _data_end(file: BinaryIO, end: int) -> int | None:
    """The end of the data chunk of a WAV, if it lies inside the file."""
    file.seek(0)
    header = file.read(12)
    if header[:4] != b"RIFF" or header[8:] != b"WAVE":
        return None
    position = 12
    while position + 8 < end:
        name, size = _chunk(file, position)
        position += 8 + size + size % 2
        if name == b"data":
            return position if size else None
    return None


def _chunk(file: BinaryIO, position: int) -> tuple[bytes, int]:
    file.seek(position)
    return struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
