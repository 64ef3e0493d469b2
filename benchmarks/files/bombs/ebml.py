"""Writes Matroska, element by element."""

from __future__ import annotations

import struct
from collections.abc import Iterable

VIDEO, AUDIO = 1, 2
PCM_BITS = 8
UNKNOWN_SIZE = bytes.fromhex("01ffffffffffffff")


def element(identifier: str, *bodies: bytes) -> bytes:
    """`identifier` in hexadecimal, as the specification has it."""
    body = b"".join(bodies)
    return bytes.fromhex(identifier) + struct.pack(">Q", 1 << 56 | len(body)) + body


def number(identifier: str, value: int) -> bytes:
    return element(identifier, struct.pack(">Q", value))


def matroska(tracks: Iterable[bytes], *clusters: bytes) -> bytes:
    """A file with a clock of milliseconds and no claim of its length."""
    header = element("1a45dfa3", element("4282", b"matroska"), number("4287", 4), number("4285", 2))
    info = element("1549a966", number("2ad7b1", 1_000_000))
    body = [info, element("1654ae6b", *tracks), *clusters]
    return header + bytes.fromhex("18538067") + UNKNOWN_SIZE + b"".join(body)


def track(which: int, kind: int, codec: str, *extra: bytes) -> bytes:
    fields = number("d7", which), number("73c5", which), number("83", kind), element("86", codec.encode())
    return element("ae", *fields, *extra)


def pcm_track(which: int, rate: int, *extra: bytes) -> bytes:
    """Unsigned 8-bit PCM in mono."""
    sound = element("e1", element("b5", struct.pack(">d", rate)), number("9f", 1), number("6264", PCM_BITS))
    return track(which, AUDIO, "A_PCM/INT/LIT", sound, *extra)


def video_track(which: int, fourcc: bytes, width: int, height: int) -> bytes:
    """Video for Windows: its codec is named by four letters."""
    fields = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 32, fourcc, 0, 0, 0, 0, 0)
    size = element("e0", number("b0", width), number("ba", height))
    return track(which, VIDEO, "V_MS/VFW/FOURCC", element("63a2", fields), size)


def cluster(milliseconds: int, *blocks: bytes) -> bytes:
    return element("1f43b675", number("e7", milliseconds % 2**64), *blocks)


def zlib_encoding() -> bytes:
    """Says in a track that its blocks are compressed."""
    return element("6d80", element("6240", element("5034", number("4254", 0))))


def block(which: int, data: bytes, milliseconds: int = 0) -> bytes:
    """A key frame of a track, `milliseconds` after its cluster."""
    return element("a3", struct.pack(">BhB", 0x80 | which, milliseconds, 0x80), data)
