"""Overwrites a share of a file's bytes, as a bad disk or a lost connection does; its header stays."""

from __future__ import annotations

from enum import Enum
from random import Random

HEADER, FOOTER = 0.15, 0.1  # shares of a file that are kept: descriptions, tables, indexes
MIN_HEADER, MIN_FOOTER = 4096, 2048  # bytes
PIECE = 64  # bytes, of scattered damage


class Style(Enum):
    RUN = "in one run"
    SCATTERED = "scattered"


def damaged(data: bytes, share: float, style: Style, rng: Random) -> bytes:
    """A copy of `data` with that share of its bytes replaced by random ones, in its middle."""
    start = max(MIN_HEADER, round(HEADER * len(data)))
    stop = len(data) - max(MIN_FOOTER, round(FOOTER * len(data)))
    total = min(round(share * len(data)), max(0, stop - start))
    lengths = [total] if style is Style.RUN else [PIECE] * max(1, total // PIECE)
    changed = bytearray(data)
    for length in lengths:
        if start + length <= stop:
            place = rng.randint(start, stop - length)
            changed[place : place + length] = rng.randbytes(length)
    return bytes(changed)
