"""Files of one codec: long silence in a few bytes, odd frames, tags and tables that claim too much."""

from __future__ import annotations

import random
import struct

from benchmarks.files.bombs.packing import MIB, claim, crc, png, zeros
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.pairs import Pair

SECOND = 16_000
FLAC_BLOCK, FLAC_RATE = 65_535, 4_000
FLAC_STREAMINFO, FLAC_PICTURE = 0, 6
ID3_LARGEST = b"\x7f\x7f\x7f\x7f"  # 28 bits, seven in each byte


def flac_of_silence(frames: int = 8_800) -> bytes:
    """40 hours of constant frames in about 130 kB, whose length the header leaves open."""
    frame = (_constant_frame(number) for number in range(frames))
    return b"fLaC" + _flac_block(FLAC_STREAMINFO, _streaminfo(), last=True) + b"".join(frame)


def flac_picture() -> bytes:
    picture = png(16_000, 16_000)
    fields = (
        struct.pack(">II", 3, 9)
        + b"image/png"
        + struct.pack(">IIIIII", 0, 16_000, 16_000, 8, 0, len(picture))
    )
    return _flac_with(_flac_block(FLAC_PICTURE, fields + picture))


def flac_picture_claim() -> bytes:
    """A picture of four gigabytes within a block of 100 bytes."""
    fields = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">IIIIII", 0, 9, 9, 8, 0, 2**32 - 1)
    return _flac_with(_flac_block(FLAC_PICTURE, fields + bytes(60)))


def flac_blocks() -> bytes:
    """5,000,000 empty blocks of metadata."""
    return _flac_with(_flac_block(1, b"") * 5_000_000)


def adts_noise() -> bytes:
    """20 MiB of AAC frames with noise in them."""
    rng, size = random.Random(1), 707
    header = bytes([0xFF, 0xF1, 0x50, 0x40 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC])
    return b"".join(header + rng.randbytes(size - 7) for _ in range(20 * MIB // size))


def amr_without_data() -> bytes:
    """111 hours of frames of one byte that say there was nothing to send."""
    return b"#!AMR\n" + b"\x7c" * 20_000_000


def mp3_noise() -> bytes:
    """20 MB of frames of MPEG-1 layer III with noise in them."""
    rng, header = random.Random(1), bytes.fromhex("fffb9064")
    return b"".join(header + rng.randbytes(413) for _ in range(48_000))


def mp3_smallest_frames() -> bytes:
    """Half an hour of frames of 24 bytes."""
    return (bytes.fromhex("ffe314c4") + bytes(20)) * 100_000


def mp3_header_claims() -> bytes:
    """A Xing header of 2 ** 32 - 1 frames and bytes."""
    data = encode(read_speech()[:SECOND], Pair("mp3", "mp3", 44_100))
    marker = b"Xing" if b"Xing" in data else b"Info"
    return claim(data, marker, 8, b"\xff" * 8)


def id3_claim() -> bytes:
    """A tag of 256 MB with a picture of as many."""
    return b"ID3\4\0\0" + ID3_LARGEST + b"APIC" + ID3_LARGEST + b"\0\0" + b"\0image/png\0\3\0" + _mp3()


def id3_compressed() -> bytes:
    """A text of 256 MB, compressed."""
    size = 2**28 - 1
    packed = ID3_LARGEST + zeros(size)
    return _id3(b"TXXX", packed, flags=b"\0\x09") + _mp3()


def id3_unsynchronised() -> bytes:
    return b"ID3\4\0\x80" + ID3_LARGEST + b"TIT2" + ID3_LARGEST + b"\0\2" + b"\xff\0" * 1_000_000 + _mp3()


def id3_many() -> bytes:
    """100,000 tags before the sound."""
    return (b"ID3\4\0\0\0\0\0\x0bTIT2\0\0\0\1\0\0a") * 100_000 + _mp3()


def id3_chapters() -> bytes:
    """A million chapters."""
    chapter = b"a\0" + struct.pack(">IIII", 0, 1, 2**32 - 1, 2**32 - 1)
    frame = b"CHAP" + _seven_bits(len(chapter)) + b"\0\0" + chapter
    return b"ID3\4\0\0" + _seven_bits(1_000_000 * len(frame)) + frame * 1_000_000 + _mp3()


def id3_picture() -> bytes:
    return _id3(b"APIC", b"\0image/png\0\3\0" + png(16_000, 16_000)) + _mp3()


def ape_tag() -> bytes:
    """An item of two gigabytes at the end of the file."""
    item = struct.pack("<II", 0x7FFFFFF0, 2) + b"Cover Art (Front)\0a.png\0" + bytes(200)
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, 16 * MIB, 65_536, 0) + bytes(8)
    return _mp3() + item + footer


def ape_silence() -> bytes:
    """A hundred frames of 2 ** 28 samples, each a few bytes that say it is silent."""
    samples, frames = 2**28, 100
    frame = struct.pack("<III", 0x80000000, 3, 0) + bytes(20)
    seeks = struct.pack(f"<{frames}I", *(76 + 4 * frames + len(frame) * n for n in range(frames)))
    sizes = struct.pack("<HHIIIIIII", 3990, 0, 52, 24, len(seeks), 0, len(frame) * frames, 0, 0)
    header = struct.pack("<HHIIIHHI", 2000, 0, samples, samples, frames, 16, 2, 4_000)
    return b"MAC " + sizes + bytes(16) + header + seeks + frame * frames


def tta_seek_table() -> bytes:
    data = encode(read_speech()[:SECOND], Pair("tta", "tta", 16_000))
    return claim(data, b"TTA1", 14, struct.pack("<I", 2**32 - 1))


def wavpack_block() -> bytes:
    """A block of four gigabytes and 2 ** 32 - 1 samples."""
    data = encode(read_speech()[:SECOND], Pair("wv", "wavpack", 16_000))
    return claim(claim(data, b"wvpk", 4, b"\xf0\xff\xff\xff"), b"wvpk", 20, b"\xff" * 4)


def alac_frame() -> bytes:
    """Frames of 16,777,216 samples, says the codec's data."""
    data = encode(read_speech()[:SECOND], Pair("ipod", "alac", 16_000))
    start = data.rindex(b"alac") + 8
    return data[:start] + struct.pack(">I", 4096 * 4096) + data[start + 4 :]


def _constant_frame(number: int) -> bytes:
    header = b"\xff\xf8\x70\x08" + chr(number).encode() + struct.pack(">H", FLAC_BLOCK - 1)
    body = header + bytes([crc(header, 0x07, 8)]) + b"\0\0\0"
    return body + struct.pack(">H", crc(body, 0x8005, 16))


def _streaminfo() -> bytes:
    sizes = struct.pack(">HH", FLAC_BLOCK, FLAC_BLOCK) + bytes(6)
    return sizes + struct.pack(">Q", FLAC_RATE << 44 | 15 << 36) + bytes(16)


def _flac_block(kind: int, body: bytes, last: bool = False) -> bytes:
    return bytes([last << 7 | kind]) + struct.pack(">I", len(body))[1:] + body


def _flac_with(blocks: bytes) -> bytes:
    frames = b"".join(map(_constant_frame, range(2)))
    ending = _flac_block(1, b"", last=True)
    return b"fLaC" + _flac_block(FLAC_STREAMINFO, _streaminfo()) + blocks + ending + frames


def _mp3() -> bytes:
    return encode(read_speech()[:SECOND], Pair("mp3", "mp3", 44_100))


def _id3(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    frame = name + _seven_bits(len(body)) + flags + body
    return b"ID3\4\0\0" + _seven_bits(len(frame)) + frame


def _seven_bits(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


BOMBS = (
    *(
        flac_of_silence,
        flac_picture,
        flac_picture_claim,
        flac_blocks,
        adts_noise,
        amr_without_data,
        mp3_noise,
    ),
    *(mp3_smallest_frames, mp3_header_claims, id3_claim, id3_compressed, id3_unsynchronised, id3_many),
    *(id3_chapters, id3_picture, ape_tag, ape_silence, tta_seek_table, wavpack_block, alac_frame),
)
