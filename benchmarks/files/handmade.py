"""Files of formats that PyAV reads and cannot write, byte by byte."""

from __future__ import annotations

import random
import struct

from benchmarks.files.encoding import Pcm

GSM_FRAME, GSM_PAIR = 33, 65  # bytes for 160 samples; for 320, as in WAV
GSM_FORMAT, PCM_FORMAT = 0x31, 1
QCELP_GUID = bytes.fromhex("416d7f5e15b1d011ba9100805fb4b97e")
QCELP_FULL_RATE, QCELP_PACKET = 4, 35
RATE = 8_000


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk, whose claimed size may be another than its own."""
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def wave_format(tag: int, rate: int, block: int, bits: int, extra: bytes = b"", channels: int = 1) -> bytes:
    """A `fmt ` chunk."""
    fields = struct.pack("<HHIIHHH", tag, channels, rate, rate * block, block, bits, len(extra))
    return chunk(b"fmt ", fields + extra)


def gsm() -> bytes:
    """Noise as GSM 06.10: each frame begins with the nibble 0xD."""
    rng = random.Random(1)
    return b"".join(bytes([0xD0 | rng.randrange(16)]) + rng.randbytes(GSM_FRAME - 1) for _ in range(75))


def gsm_wave() -> bytes:
    frames = random.Random(1).randbytes(GSM_PAIR * 40)
    fmt = wave_format(GSM_FORMAT, RATE, GSM_PAIR, 0, struct.pack("<H", 320))
    return riff(fmt, chunk(b"fact", struct.pack("<I", 320 * 40)), chunk(b"data", frames))


def sphere(pcm: Pcm) -> bytes:
    """NIST SPHERE, the format of telephone corpora."""
    lines = [
        "NIST_1A",
        "   1024",
        "channel_count -i 1",
        "sample_rate -i 16000",
        f"sample_count -i {len(pcm)}",
        "sample_n_bytes -i 2",
        "sample_byte_format -s2 01",
        "sample_sig_bits -i 16",
        "sample_coding -s3 pcm",
        "end_head\n",
    ]
    return "\n".join(lines).encode().ljust(1024) + pcm.astype("<i2").tobytes()


def voc(pcm: Pcm) -> bytes:
    """Creative VOC with a text, silence and a loop around its sound."""
    sound = (pcm[::2] // 256 + 128).astype("u1").tobytes()

    def block(kind: int, body: bytes) -> bytes:
        return bytes([kind]) + struct.pack("<I", len(body))[:3] + body

    divisor = 256 - 1_000_000 // RATE
    blocks = [
        block(5, b"a text\0"),
        block(1, bytes([divisor, 0]) + sound),
        block(3, struct.pack("<HB", RATE // 10, divisor)),
        block(6, struct.pack("<H", 1)),
        block(2, sound[: RATE // 10]),
        block(7, b""),
        b"\0",
    ]
    header = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x010A, 0x1129)
    return header + b"".join(blocks)


def qcelp() -> bytes:
    """Noise as QCELP, the voice notes of older phones."""
    rng = random.Random(1)
    packets = b"".join(bytes([QCELP_FULL_RATE]) + rng.randbytes(QCELP_PACKET - 1) for _ in range(75))
    rates = struct.pack("<I", 5) + bytes([34, 4, 16, 3, 7, 2, 3, 1, 0, 0]) + bytes(6)
    name = b"QCELP".ljust(80, b"\0")
    fmt = (
        b"\1\0"
        + QCELP_GUID
        + struct.pack("<H", 1)
        + name
        + struct.pack("<HHHHH", 13_000, QCELP_PACKET, 160, RATE, 16)
        + rates
    )
    fmt += bytes(150 - len(fmt))
    body = b"QLCM" + chunk(b"fmt ", fmt) + chunk(b"vrat", struct.pack("<II", 1, 75)) + chunk(b"data", packets)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def endless_wave(pcm: Pcm) -> bytes:
    """A WAV as a program writes it to a pipe: all sizes are the largest."""
    fmt = wave_format(PCM_FORMAT, 16_000, 2, 16)
    return riff(fmt, chunk(b"data", pcm.astype("<i2").tobytes(), 0xFFFFFFFF), size=0xFFFFFFFF)


def wave_with_late_list(pcm: Pcm) -> bytes:
    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"a title\0"))
    return riff(
        wave_format(PCM_FORMAT, 16_000, 2, 16), info, chunk(b"data", pcm.astype("<i2").tobytes()), info
    )


def handmade(pcm: Pcm) -> dict[str, bytes]:
    return {
        "gsm/gsm": gsm(),
        "wav/gsm_ms": gsm_wave(),
        "nistsphere/pcm_s16le": sphere(pcm),
        "voc/pcm_u8 blocks": voc(pcm),
        "qcp/qcelp": qcelp(),
        "wav/pcm_s16le endless": endless_wave(pcm),
        "wav/pcm_s16le lists": wave_with_late_list(pcm),
    }
