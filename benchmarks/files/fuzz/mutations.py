"""Damages the bytes of a file in the ways that break parsers."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from random import Random

MAX_BYTES = 1_000_000
MAX_STEPS = 4  # mutations of one file
HEADER = 512  # bytes, where every other edit falls
MAX_RUN, MAX_COPIES = 4096, 40
SPLICE_EVERY = 10  # mutations

FOURCC = re.compile(rb"[A-Za-z][A-Za-z0-9 ]{3}")
EDGES = (0, 1, 2, 3, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)

# Where containers keep their clocks: what they begin with, bytes to skip from there, and their width.
CLOCKS = (
    (re.compile(rb"OggS"), 6, 8),
    (re.compile(rb"\x00\x00\x01[\xbd\xc0-\xef]"), 9, 5),  # MPEG packets
    (re.compile(rb"\x00\x00\x01\xba"), 4, 6),  # MPEG packs
    (re.compile(rb"\x1f\x43\xb6\x75"), 5, 4),  # Matroska clusters
    (re.compile(rb"\xe7[\x81-\x84]"), 2, 2),  # their time
    (re.compile(rb"[\xa1\xa3][\x40-\x8f]"), 3, 2),  # their blocks
    (re.compile(rb"[\x08\x09]\x00..\x00", re.DOTALL), 4, 4),  # FLV tags
    (re.compile(rb"stts|ctts|elst|stsz|trun|stco"), 12, 8),
    (re.compile(rb"mvhd|mdhd|tkhd|tfdt"), 8, 16),
)

Mutation = Callable[[Random, bytes], bytes]


def mutate(rng: Random, data: bytes, other: bytes) -> tuple[bytes, str]:
    """A damaged copy of `data`, which must not be empty, and the names of what was done to it. The copy is
    at most MAX_BYTES long."""
    done = []
    for _ in range(rng.randint(1, MAX_STEPS)):
        if rng.randrange(SPLICE_EVERY) == 0:
            data = splice(rng, data, other)
            done.append("splice")
        else:
            mutation = rng.choice(MUTATIONS)
            data = mutation(rng, data)
            done.append(mutation.__name__)
        data = data[:MAX_BYTES] or b"\0"
    return data, ", ".join(done)


def flip(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 4, 20))):
        changed[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(rng: Random, data: bytes) -> bytes:
    length = min(len(data), rng.choice((1, 4, 64, MAX_RUN)))
    return _put(data, _place(rng, data), rng.randbytes(length))


def zeros(rng: Random, data: bytes) -> bytes:
    return _put(data, _place(rng, data), bytes(rng.randint(1, MAX_RUN)))


def ones(rng: Random, data: bytes) -> bytes:
    return _put(data, _place(rng, data), b"\xff" * rng.randint(1, MAX_RUN))


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def cut_start(rng: Random, data: bytes) -> bytes:
    return data[_place(rng, data) :]


def delete(rng: Random, data: bytes) -> bytes:
    start = _place(rng, data)
    return data[:start] + data[start + rng.randint(1, MAX_RUN) :]


def repeat(rng: Random, data: bytes) -> bytes:
    start = _place(rng, data)
    part = data[start : start + rng.randint(1, MAX_RUN)]
    return data[:start] + part * rng.randint(2, MAX_COPIES) + data[start:]


def splice(rng: Random, data: bytes, other: bytes) -> bytes:
    """The beginning of one file and the end of the other; either may be all of it."""
    end = rng.choice((len(data), _place(rng, data)))
    return data[:end] + other[rng.choice((0, _place(rng, other))) :]


def insert(rng: Random, data: bytes) -> bytes:
    start = rng.choice((0, _place(rng, data), len(data)))
    return data[:start] + rng.randbytes(rng.randint(1, MAX_RUN)) + data[start:]


def resize(rng: Random, data: bytes) -> bytes:
    """Overwrites the integer before or after a name of four letters, such as a chunk's."""
    names = [found.start() for found in FOURCC.finditer(data[: rng.choice((HEADER, len(data)))])]
    if not names:
        return number(rng, data)
    start = max(0, rng.choice(names) + rng.choice((-4, 4, 8, 12)))
    return _put(data, start, _integer(rng, len(data), rng.choice((4, 4, 8))))


def number(rng: Random, data: bytes) -> bytes:
    return _put(data, _place(rng, data), _integer(rng, len(data), rng.choice((1, 2, 3, 4, 8))))


def retime(rng: Random, data: bytes) -> bytes:
    """Changes up to eight places of one kind that may hold times or their table."""
    kinds = [(pattern, skip, width) for pattern, skip, width in CLOCKS if pattern.search(data)]
    if not kinds:
        return number(rng, data)
    pattern, skip, width = rng.choice(kinds)
    places = [found.start() + skip for found in pattern.finditer(data)]
    for place in rng.sample(places, min(len(places), rng.randint(1, 8))):
        value = rng.choice((rng.randbytes(width), b"\xff" * width, bytes(width), b"\x7f" + bytes(width - 1)))
        data = _put(data, place, value)
    return data


MUTATIONS: Sequence[Mutation] = (
    *(flip, overwrite, zeros, ones, truncate, cut_start, delete, repeat, insert),
    *(resize, resize, resize, number, number, retime, retime),
)


def _place(rng: Random, data: bytes) -> int:
    end = rng.choice((min(HEADER, len(data)), len(data)))
    return rng.randrange(end) if end else 0


def _put(data: bytes, start: int, value: bytes) -> bytes:
    """`data` with `value` over the bytes from `start` on; its length stays."""
    return (data[:start] + value + data[start + len(value) :])[: len(data)]


def _integer(rng: Random, length: int, width: int) -> bytes:
    value = rng.choice((*EDGES, length, length - 1, length + 1, 2 * length, rng.randrange(2**32)))
    packed = struct.pack("<Q", value)[:width]
    return packed if rng.randrange(2) else packed[::-1]
