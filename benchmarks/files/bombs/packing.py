"""Small parts that several formats share: checksums, compressed zeros, changed fields."""

from __future__ import annotations

import struct
import zlib
from functools import cache

MIB = 2**20
OGG_AND_MPEG = 0x04C11DB7


def zeros(size: int) -> bytes:
    """`size` zero bytes, compressed about a thousandfold."""
    compressor = zlib.compressobj(9)
    parts = [compressor.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join([*parts, compressor.compress(bytes(size % MIB)), compressor.flush()])


def png(width: int, height: int) -> bytes:
    """A black greyscale picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zeros((width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def crc(data: bytes, polynomial: int, width: int, start: int = 0) -> int:
    """Cyclic redundancy check, most significant bit first."""
    table, mask = _table(polynomial, width), 2**width - 1
    value = start
    for byte in data:
        value = (value << 8 & mask) ^ table[(value >> (width - 8)) ^ byte]
    return value


def claim(data: bytes, marker: bytes, skip: int, value: bytes) -> bytes:
    """`data` with `value` over what lies `skip` bytes after the start of the first `marker`."""
    start = data.index(marker) + skip
    return data[:start] + value + data[start + len(value) :]


@cache
def _table(polynomial: int, width: int) -> list[int]:
    top, mask = 1 << (width - 1), 2**width - 1
    table = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = (value << 1 & mask) ^ (polynomial if value & top else 0)
        table.append(value)
    return table
