"""Matroska files that cost far more than their size."""

from __future__ import annotations

import struct

from benchmarks.files.bombs.ebml import (
    AUDIO,
    block,
    cluster,
    element,
    matroska,
    number,
    pcm_track,
    track,
    video_track,
    zlib_encoding,
)
from benchmarks.files.bombs.packing import MIB, png, zeros

RATE = 4_000
SECOND = bytes([128, 140]) * (RATE // 2)
ZMBV_KEY_FRAME = bytes([1, 0, 1, 1, 8, 16, 16])  # zlib, 32 bits a pixel, blocks of 16 × 16
BYTES_PER_PIXEL = 4
BILLION_SECONDS = 10**12  # in milliseconds


def zmbv(side: int = 16_000, tracks: int = 1) -> bytes:
    """A second of sound beside pictures whose format shows only once they are decoded."""
    picture = ZMBV_KEY_FRAME + zeros(side * side * BYTES_PER_PIXEL)
    videos = [video_track(which, b"ZMBV", side, side) for which in range(2, 2 + tracks)]
    pictures = [block(which, picture) for which in range(2, 2 + tracks)]
    return matroska([pcm_track(1, RATE), *videos], cluster(0, block(1, SECOND), *pictures))


def eight_zmbv() -> bytes:
    return zmbv(4096, 8)


def video_of_png() -> bytes:
    picture = block(2, png(16_000, 16_000))
    tracks = [pcm_track(1, RATE), video_track(2, b"MPNG", 16_000, 16_000)]
    return matroska(tracks, cluster(0, block(1, SECOND), picture))


def thousand_videos() -> bytes:
    """A picture each of the largest size that a codec takes, with nothing in it."""
    names = (b"tscc", b"LAGS", b"FFVH", b"HFYU", b"MJPG", b"CSCD", b"VMnc", b"ULRG", b"FFV1", b"rle ")
    videos = [video_track(which, names[which % len(names)], 16_000, 16_000) for which in range(2, 127)]
    pictures = [block(which, bytes(4000)) for which in range(2, 127)]
    return matroska([pcm_track(1, RATE), *videos], cluster(0, block(1, SECOND), *pictures))


def one_block_of_pcm() -> bytes:
    return matroska([pcm_track(1, RATE)], cluster(0, block(1, bytes([128]) * 50_000_000)))


def undecodable_blocks() -> bytes:
    """Two bytes that no decoder takes, two million times."""
    bad = bytes.fromhex("a38681000080ffff")
    return matroska([track(1, AUDIO, "A_AC3", _sound(48_000))], cluster(0, bad * 2_000_000))


def blocks_of_nothing() -> bytes:
    """Frames without a byte, half a million times."""
    return matroska([pcm_track(1, RATE)], cluster(0, block(1, b"") * 500_000, block(1, SECOND)))


def compressed_pcm() -> bytes:
    """138 hours in 2 MB: zlib within Matroska."""
    part = block(1, zeros(9 * MIB))
    return matroska([pcm_track(1, RATE, zlib_encoding())], *(cluster(n, part) for n in range(200)))


def thousand_tracks() -> bytes:
    blocks = [block(which % 127 + 1, SECOND) for which in range(1000)]
    return matroska([pcm_track(which, RATE) for which in range(1, 1001)], cluster(0, *blocks))


def deep_nesting() -> bytes:
    """Tags within tags, 100,000 deep, of no known size."""
    opening = bytes.fromhex("67c801ffffffffffffff")
    return matroska(
        [pcm_track(1, RATE)], element("1254c367", opening * 100_000), cluster(0, block(1, SECOND))
    )


def claimed_private_data() -> bytes:
    """Codec data of two gigabytes, of which the file holds some."""
    body = bytes.fromhex("63a2") + struct.pack(">Q", 1 << 56 | 0x7FFFFF00) + bytes(100_000)
    return matroska([track(1, AUDIO, "A_AAC", _sound(44_100), body)])


def many_cues() -> bytes:
    """Half a million entries of an index, all of the same place."""
    point = element("bb", number("b3", 1), element("b7", number("f7", 1), number("f1", 0)))
    return matroska([pcm_track(1, RATE)], element("1c53bb6b", point * 500_000), cluster(0, block(1, SECOND)))


def jump() -> bytes:
    """A second, then another a billion seconds later."""
    return _at(0, BILLION_SECONDS)


def jump_back() -> bytes:
    return _at(BILLION_SECONDS, 0)


def before_the_start() -> bytes:
    return _at(-BILLION_SECONDS, 0, 1000)


def to_and_fro() -> bytes:
    """An hour ahead and back, 2,000 times."""
    return _at(*(3_600_000 * (n % 2) + n for n in range(2000)))


def steps() -> bytes:
    """A hundredth of a second every hour, for a hundred days."""
    sound = block(1, SECOND[: RATE // 100])
    return matroska([pcm_track(1, RATE)], *(cluster(3_600_000 * n, sound) for n in range(2400)))


def _at(*times: int) -> bytes:
    return matroska([pcm_track(1, RATE)], *(cluster(time, block(1, SECOND)) for time in times))


def _sound(rate: int) -> bytes:
    return element("e1", element("b5", struct.pack(">d", rate)), number("9f", 1))


BOMBS = (
    *(zmbv, eight_zmbv, video_of_png, thousand_videos, one_block_of_pcm, undecodable_blocks),
    *(blocks_of_nothing, compressed_pcm, thousand_tracks, deep_nesting, claimed_private_data, many_cues),
    *(jump, jump_back, before_the_start, to_and_fro, steps),
)
