"""WAV, AVI, AIFF and CAF whose chunks claim far more than the file holds."""

from __future__ import annotations

import struct

from benchmarks.files.bombs.packing import claim
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.handmade import PCM_FORMAT, chunk, riff, wave_format
from benchmarks.files.pairs import Pair

SECOND = 16_000
HUGE, LARGEST = 0x7FFFFF00, 0xFFFFFFFF
FORMAT = wave_format(PCM_FORMAT, 16_000, 2, 16)
SOUND = chunk(b"data", bytes(2 * SECOND))


def list_chunk() -> bytes:
    """Two gigabytes of a program's name, in 76 bytes."""
    name = b"INFO" + chunk(b"ISFT", bytes(20), HUGE)
    return riff(FORMAT, chunk(b"LIST", name, 0x7FFFFFFF))


def many_lists() -> bytes:
    name = b"INFO" + chunk(b"ISFT", bytes(20), 0x10000000)
    return riff(FORMAT, *[chunk(b"LIST", name)] * 1000, SOUND)


def format_chunk() -> bytes:
    body = FORMAT[8:26]
    return riff(chunk(b"fmt ", body, HUGE), SOUND)


def format_extension() -> bytes:
    """The format is described 10,000 times, with codec data."""
    fields = wave_format(PCM_FORMAT, 16_000, 2, 16, bytes(100))
    return riff(*[fields] * 10_000, SOUND)


def broadcast_chunk() -> bytes:
    return riff(FORMAT, chunk(b"bext", bytes(602), HUGE), SOUND)


def xml_chunk() -> bytes:
    return riff(FORMAT, chunk(b"iXML", b"<a>", HUGE), SOUND)


def cue_points() -> bytes:
    """A million marks in the recording."""
    points = b"".join(struct.pack("<II4sIII", n, n, b"data", 0, 0, n) for n in range(1_000_000))
    return riff(FORMAT, chunk(b"cue ", struct.pack("<I", LARGEST) + points), SOUND)


def wide() -> bytes:
    """65,535 channels of 768,000 Hz."""
    fields = struct.pack("<HHIIHH", PCM_FORMAT, 65_535, 768_000, LARGEST, 65_535, 8)
    return riff(chunk(b"fmt ", fields), chunk(b"data", bytes(30_000_000)))


def rf64() -> bytes:
    sizes = struct.pack("<QQQI", 2**62, 2**62, 2**62, LARGEST)
    return b"RF64" + struct.pack("<I", LARGEST) + b"WAVE" + chunk(b"ds64", sizes) + FORMAT + SOUND


def wave64() -> bytes:
    data = _encoded("w64", "pcm_s16le")
    return claim(data, b"fmt ", 16, struct.pack("<Q", 2**62))


def wave64_summary() -> bytes:
    """Tags of 2 ** 62 bytes, before the sound."""
    data = _encoded("w64", "pcm_s16le")
    start = data.index(b"data")
    guid = bytes.fromhex("4c495354f12f0002bd0d0000c0d1e11c")
    return data[:start] + guid + struct.pack("<QI", 2**62, LARGEST) + bytes(100) + data[start:]


def avi_index() -> bytes:
    return claim(_encoded("avi", "mp3", 44_100), b"idx1", 4, struct.pack("<I", HUGE))


def avi_names() -> bytes:
    data = _encoded("avi", "mp3", 44_100)
    return claim(data, b"strh", 0, b"strn" + struct.pack("<I", HUGE))


def avi_late_start() -> bytes:
    """Sound that begins 2 ** 31 ticks of one second after the picture."""
    data = _encoded("avi", "pcm_s16le")
    clock = struct.pack("<IIII", 1, 1, 2**31 - 1, 100)
    return claim(data, b"auds", 20, clock)


def aiff_name() -> bytes:
    name = b"NAME" + struct.pack(">I", HUGE) + bytes(100)
    return claim(_encoded("aiff", "pcm_s16be"), b"SSND", 0, name)


def aiff_comments() -> bytes:
    marks = b"COMT" + struct.pack(">IH", HUGE, 65_535) + bytes(100)
    return claim(_encoded("aiff", "pcm_s16be"), b"SSND", 0, marks)


def caf_packets() -> bytes:
    """A table of 2 ** 60 packets."""
    return claim(_encoded("caf", "alac"), b"pakt", 12, struct.pack(">Q", 2**60))


def caf_many_packets() -> bytes:
    """A table of 30,000,000 packets of one byte, in as many bytes."""
    table = struct.pack(">QQII", 30_000_000, 2**40, 0, 0) + b"\1" * 30_000_000
    return _encoded("caf", "alac") + b"pakt" + struct.pack(">Q", len(table)) + table


def caf_private_data() -> bytes:
    data = _encoded("caf", "alac")
    return claim(data, b"kuki", 4, struct.pack(">Q", HUGE))


def caf_info() -> bytes:
    info = b"info" + struct.pack(">QI", HUGE, LARGEST) + b"a\0b\0" * 1000
    data = _encoded("caf", "pcm_s16le")
    return data[: data.index(b"data")] + info + data[data.index(b"data") :]


def _encoded(container: str, codec: str, rate: int = 16_000) -> bytes:
    return encode(read_speech()[:SECOND], Pair(container, codec, rate))


BOMBS = (
    *(list_chunk, many_lists, format_chunk, format_extension, broadcast_chunk, xml_chunk, cue_points, wide),
    *(rf64, wave64, wave64_summary, avi_index, avi_names, avi_late_start, aiff_name, aiff_comments),
    *(caf_packets, caf_many_packets, caf_private_data, caf_info),
)
