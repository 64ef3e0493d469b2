"""Ogg, MPEG, FLV, ASF and MXF: floods of packets, streams and programmes, and clocks that jump."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from av.packet import Packet

from benchmarks.files.bombs.packing import OGG_AND_MPEG, claim, crc
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.pairs import Pair

SECOND = 16_000
FIRST, CONTINUED = 2, 0  # kinds of Ogg page
SILENT_PACKET = b"\xfb\x06"  # Opus: six frames of 20 ms without a byte
OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48_000, 0, 0)
OPUS_TAGS = b"OpusTags" + struct.pack("<II", 0, 0)
TS_PACKET = 188
DAY = 86_400.0


def opus_silence(pages: int = 4_700) -> bytes:
    """40 hours of Opus frames without a byte."""
    sound = (_page(255 * 5_760 * n, n + 2, [SILENT_PACKET] * 255) for n in range(1, pages + 1))
    return b"".join([*_opus_headers(), *sound])


def ogg_pages() -> bytes:
    """A million pages without a packet."""
    return b"".join([*_opus_headers(), _page(0, 2, []) * 1_000_000])


def ogg_streams() -> bytes:
    """20,000 streams that begin at once."""
    return b"".join(_page(0, 0, [OPUS_HEAD], FIRST, serial) for serial in range(20_000))


def ogg_jump() -> bytes:
    """The second page says it ends after 2 ** 62 samples."""
    pages = [_page(5_760, 2, [SILENT_PACKET]), _page(2**62, 3, [SILENT_PACKET])]
    return b"".join([*_opus_headers(), *pages, _page(2**62 + 48_000, 4, [SILENT_PACKET])])


def vorbis_comments() -> bytes:
    """Four billion comments of four gigabytes, says the header."""
    tags = b"OpusTags" + struct.pack("<II", 0, 2**32 - 1) + struct.pack("<I", 2**32 - 1) * 1000
    return b"".join([_page(0, 0, [OPUS_HEAD], FIRST), _page(0, 1, [tags[:60_000]])])


def mpegts_programmes() -> bytes:
    """8,000 streams, each with the beginning of one packet and nothing that announces it."""
    start = b"\0\0\1\xc0\0\0\x80\x80\5\x21\0\1\0\1" + bytes(100)
    return b"".join(_ts_packet(pid, start, first=True) for pid in range(32, 8_032)) * 3


def mpegts_announced() -> bytes:
    """As many streams as a table can announce, each of 200 kB that never end."""
    entries = b"".join(struct.pack(">BHH", 3, 0xE000 | pid, 0xF000) for pid in range(64, 264))
    start = b"\0\0\1\xc0\0\0\x80\x80\5\x21\0\1\0\1" + bytes(100)
    sound = b"".join(_ts_packet(pid, start, first=True) for pid in range(64, 264))
    more = b"".join(_ts_packet(pid, bytes(184)) for pid in range(64, 264))
    tables = _ts_packet(0, _section(0, 1, struct.pack(">HH", 1, 0xE020)), first=True)
    body = _section(2, 1, struct.pack(">HH", 0xE040, 0xF000) + entries)
    parts = [body[n : n + 184] for n in range(0, len(body), 184)]
    tables += b"".join(_ts_packet(32, part, first=not n) for n, part in enumerate(parts))
    return tables + sound + more * 500


def mpeg_noise() -> bytes:
    """16 MB of noise between start codes of sound."""
    rng = random.Random(1)
    packets = (b"\0\0\1\xc0" + struct.pack(">H", 2000) + rng.randbytes(2000) for _ in range(8_000))
    return b"\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8" + b"".join(packets)


def flv_keyframes() -> bytes:
    """A table of 2 ** 28 - 1 times in the metadata."""
    name = b"\2" + struct.pack(">H", 10) + b"onMetaData"
    table = struct.pack(">H", 5) + b"times\x0a" + struct.pack(">I", 2**28 - 1) + bytes(1000)
    body = name + b"\3" + struct.pack(">H", 9) + b"keyframes\3" + table
    tag = b"\x12" + struct.pack(">I", len(body))[1:] + bytes(7) + body + struct.pack(">I", len(body) + 11)
    return _encoded("flv", "mp3", 44_100)[:13] + tag + _encoded("flv", "mp3", 44_100)[13:]


def flv_nested() -> bytes:
    """Objects within objects, 16 MB of them."""
    name = b"\2" + struct.pack(">H", 10) + b"onMetaData"
    body = name + (b"\3" + struct.pack(">H", 1) + b"a") * 4_000_000
    tag = b"\x12" + struct.pack(">I", len(body))[1:] + bytes(7) + body
    return _encoded("flv", "mp3", 44_100)[:13] + tag


def asf_sizes() -> bytes:
    """Every object of the header claims 2 ** 62 bytes."""
    data = _encoded("asf", "wmav2", 44_100)
    properties = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
    return claim(data, properties, 16, struct.pack("<Q", 2**62))


def asf_codec_data() -> bytes:
    data = _encoded("asf", "wmav2", 44_100)
    stream = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
    return claim(data, stream, 24 + 40, struct.pack("<II", 0x7FFFFFFF, 0x7FFFFFFF))


def mxf_lengths() -> bytes:
    """The second key's length is 2 ** 62 bytes."""
    data = _mxf()
    second = data.index(bytes.fromhex("060e2b34"), 16)
    return data[: second + 16] + b"\x88" + struct.pack(">Q", 2**62) + data[second + 25 :]


def mxf_index() -> bytes:
    """An index of 2 ** 31 - 1 entries."""
    data = _mxf()
    return claim(data, b"\x3f\x0a", 4, struct.pack(">II", 2**31 - 1, 11))


def matroska_jump() -> bytes:
    return _retimed("matroska", "aac", lambda seconds: 10 * DAY if seconds > 0.5 else 0.0)


def mp4_jump() -> bytes:
    return _retimed("mp4", "aac", lambda seconds: 0.5 * DAY if seconds > 0.5 else 0.0)


def flv_jump() -> bytes:
    return _retimed("flv", "mp3", lambda seconds: 24 * DAY if seconds > 0.5 else 0.0)


def mpegts_jump() -> bytes:
    """Past the end of a clock of 33 bits."""
    return _retimed("mpegts", "mp2", lambda seconds: 1.0 * DAY if seconds > 0.5 else 0.0)


def asf_jump() -> bytes:
    return _retimed("asf", "wmav2", lambda seconds: 40 * DAY if seconds > 0.5 else 0.0)


def mpegts_steps() -> bytes:
    """An hour is missing after each frame."""
    return _retimed("mpegts", "mp2", lambda seconds: 3_600 * round(20 * seconds))


def _retimed(container: str, codec: str, delay: Callable[[float], float]) -> bytes:
    """Two seconds; `delay` takes a packet's time and returns how much later it says it comes, in seconds."""

    def retime(packet: Packet[Any]) -> float:
        return delay(float((packet.pts or 0) * packet.time_base))

    rate = 48_000 if container == "mpegts" else 44_100
    return encode(read_speech()[: 2 * SECOND], Pair(container, codec, rate), retime=retime)


def _encoded(container: str, codec: str, rate: int) -> bytes:
    return encode(read_speech()[:SECOND], Pair(container, codec, rate))


@cache
def _mxf() -> bytes:
    return encode(read_speech()[:SECOND], Pair("mxf", "pcm_s16le", 48_000, video="mpeg2video"))


def _opus_headers() -> list[bytes]:
    return [_page(0, 0, [OPUS_HEAD], FIRST), _page(0, 1, [OPUS_TAGS])]


def _page(samples: int, sequence: int, packets: list[bytes], kind: int = CONTINUED, serial: int = 1) -> bytes:
    """An Ogg page of whole packets that ends at `samples`."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = b"OggS" + struct.pack("<BBqII", 0, kind, samples, serial, sequence)
    body = bytes([len(lacing)]) + lacing + b"".join(packets)
    checksum = crc(head + bytes(4) + body, OGG_AND_MPEG, 32)
    return head + struct.pack("<I", checksum) + body


def _ts_packet(pid: int, payload: bytes, first: bool = False) -> bytes:
    """188 bytes; a payload that is too short comes after stuffing."""
    stuffing = TS_PACKET - 4 - len(payload)
    control = 0x30 if stuffing else 0x10
    field = bytes([stuffing - 1, 0][:stuffing]) + b"\xff" * (stuffing - 2) if stuffing else b""
    return struct.pack(">BHB", 0x47, first << 14 | pid, control) + field + payload


def _section(kind: int, number: int, body: bytes) -> bytes:
    """A table of MPEG-TS, after the pointer to it."""
    head = struct.pack(">BHHBBB", kind, 0xB000 | len(body) + 9, number, 0xC1, 0, 0) + body
    return b"\0" + head + struct.pack(">I", crc(head, OGG_AND_MPEG, 32, 0xFFFFFFFF))


BOMBS = (
    *(opus_silence, ogg_pages, ogg_streams, ogg_jump, vorbis_comments, mpegts_programmes, mpegts_announced),
    *(mpeg_noise, flv_keyframes, flv_nested, asf_sizes, asf_codec_data, mxf_lengths, mxf_index),
    *(matroska_jump, mp4_jump, flv_jump, mpegts_jump, asf_jump, mpegts_steps),
)
