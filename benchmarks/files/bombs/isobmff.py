"""MP4 and MOV files whose tables claim, or unpack to, far more than their size."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache

from benchmarks.files.bombs.packing import MIB, claim, png, zeros
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.pairs import FRAGMENTED, Pair

PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")
MANY = 80_000_000  # entries of 24 bytes: just below what FFmpeg allocates at once
SECOND = 16_000  # samples of speech


def atom(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def changed(data: bytes, name: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """`data` with the bodies of the atoms of this name changed; the media must come before the tables."""
    written, start = [], 0
    while start + 8 <= len(data):
        size, found = struct.unpack_from(">I4s", data, start)
        inner = data[start + 8 : start + size]
        if found == name:
            inner = change(inner)
        elif found in PARENTS:
            inner = changed(inner, name, change)
        written.append(atom(found, inner))
        start += max(size, 8)
    return b"".join(written)


def replaced(data: bytes, name: bytes, body: bytes) -> bytes:
    return changed(data, name, lambda _: body)


def appended(data: bytes, parent: bytes, *atoms: bytes) -> bytes:
    return changed(data, parent, lambda body: b"".join([body, *atoms]))


def table(*entries: Sequence[int], count: int | None = None) -> bytes:
    """Version and flags of 0, the number of entries, and the entries of 32-bit integers."""
    values = [value for entry in entries for value in entry]
    return struct.pack(f">II{len(values)}I", 0, len(entries) if count is None else count, *values)


def samples_of_one_byte() -> bytes:
    """One chunk of 80,000,000 samples, as 20 bytes claim it."""
    data = replaced(_aac(), b"stsz", struct.pack(">III", 0, 1, MANY))
    return replaced(replaced(data, b"stsc", table((1, MANY, 1))), b"stts", table((MANY, 1024)))


def pcm_samples() -> bytes:
    data = replaced(_pcm(), b"stsz", struct.pack(">III", 0, 1, 2**32 - 1))
    return replaced(replaced(data, b"stsc", table((1, 2**31, 1))), b"stts", table((2**32 - 1, 1)))


def sizes() -> bytes:
    return replaced(_aac(), b"stsz", struct.pack(">III", 0, 0, 2**31))


def times() -> bytes:
    return replaced(_aac(), b"stts", table((1, 1024), count=2**28))


def offsets() -> bytes:
    return replaced(_aac(), b"stco", table((1,), count=2**29))


def composition_times() -> bytes:
    """One offset for 2 ** 32 - 1 samples, in each of 100 entries."""
    entries = [(2**32 - 1, 1)] * 100
    return appended(_aac(), b"stbl", atom(b"ctts", table(*entries)))


def fragment_samples() -> bytes:
    """Of a fragment whose samples have neither size nor time of their own."""
    return claim(_fragmented(), b"trun", 4, struct.pack(">II", 0, MANY))


def many_edits() -> bytes:
    """Each of 100,000 edits shows the whole recording again."""
    return replaced(_aac(), b"elst", table(*[(1000, 0, 0x10000)] * 100_000))


def empty_edit() -> bytes:
    """The sound begins after 2 ** 32 - 1 ticks of a clock of 1 Hz."""
    late = replaced(_aac(), b"elst", table((2**32 - 1, 2**32 - 1, 0x10000), (44_100, 0, 0x10000)))
    return claim(late, b"mvhd", 16, struct.pack(">I", 1))


def late_samples() -> bytes:
    """The second half comes 2 ** 31 ticks after the first."""
    return replaced(_pcm(), b"stts", table((8_000, 1), (1, 2**31 - 1), (7_999, 1)))


def late_fragment() -> bytes:
    data = _fragmented()
    start = data.rindex(b"tfdt") + 4
    return data[:start] + struct.pack(">IQ", 1 << 24, 2**62) + data[start + 12 :]


def deep_nesting() -> bytes:
    inner = b""
    for _ in range(5_000):
        inner = atom(b"trak", inner)
    return _aac() + atom(b"moov", inner)


def compressed_header() -> bytes:
    packed = atom(b"dcom", b"zlib") + atom(b"cmvd", struct.pack(">I", 2**30) + zeros(1024 * MIB))
    return atom(b"ftyp", b"qt  \0\0\0\0") + atom(b"moov", atom(b"cmov", packed))


def cover() -> bytes:
    """A picture of 16,000 × 16,000 in the tags."""
    picture = atom(b"covr", atom(b"data", struct.pack(">II", 14, 0) + png(16_000, 16_000)))
    handler = atom(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta = atom(b"meta", bytes(4) + handler + atom(b"ilst", picture))
    return appended(_aac(), b"moov", atom(b"udta", meta))


def large_video() -> bytes:
    """An ordinary video of large frames."""
    return encode(
        read_speech()[: SECOND // 4], Pair("mp4", "aac", 44_100, video="libx264", size=(4096, 2160))
    )


@cache
def _aac() -> bytes:
    return encode(read_speech()[:SECOND], Pair("mp4", "aac", 44_100))


@cache
def _pcm() -> bytes:
    return encode(read_speech()[:SECOND], Pair("mov", "pcm_s16le", 16_000))


@cache
def _fragmented() -> bytes:
    return encode(read_speech()[:SECOND], Pair("mp4", "aac", 44_100, options=FRAGMENTED))


BOMBS = (
    *(samples_of_one_byte, pcm_samples, sizes, times, offsets, composition_times, fragment_samples),
    *(many_edits, empty_edit, late_samples, late_fragment, deep_nesting, compressed_header, cover),
    large_video,
)
