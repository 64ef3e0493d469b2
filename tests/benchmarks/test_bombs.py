"""The hostile files are what they claim to be: their parts are read back by PyAV."""

from __future__ import annotations

import io
import zlib

import av
import pytest

from benchmarks.files.bombs import elementary, isobmff, matroska, riff, streams
from benchmarks.files.bombs.packing import claim, crc, png, zeros
from benchmarks.files.bombs.run import BOMBS


@pytest.mark.parametrize(
    ("polynomial", "width", "start", "expected"),
    [(0x07, 8, 0, 0xF4), (0x8005, 16, 0, 0xFEE8), (0x04C11DB7, 32, 0xFFFFFFFF, 0x0376E6E7)],
)
def test_checksums_are_those_of_the_catalogue(polynomial: int, width: int, start: int, expected: int) -> None:
    """Check values of CRC-8/SMBUS, CRC-16/UMTS and CRC-32/MPEG-2."""
    assert crc(b"123456789", polynomial, width, start) == expected


def test_zeros_are_packed() -> None:
    packed = zeros(3_000_000)
    assert len(packed) < 10_000
    assert zlib.decompress(packed) == bytes(3_000_000)


def test_a_picture_is_read() -> None:
    with av.open(io.BytesIO(png(40, 30)), "r") as container:
        (frame,) = container.decode(video=0)
    assert (frame.width, frame.height) == (40, 30)


def test_a_claim_changes_only_its_field() -> None:
    assert claim(b"abcdSIZEefgh", b"SIZE", 4, b"\xff\xff") == b"abcdSIZE\xff\xffgh"


def test_silent_flac_lasts_sixteen_seconds_a_frame() -> None:
    assert decoded_seconds(elementary.flac_of_silence(3)) == pytest.approx(3 * 65_535 / 4_000)


def test_the_pages_of_silent_opus_are_whole() -> None:
    assert decoded_seconds(streams.opus_silence(2)) == pytest.approx(2 * 255 * 0.12)


def test_matroska_jumps_in_time() -> None:
    with av.open(io.BytesIO(matroska.jump()), "r") as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.size]
    assert times == [0, matroska.BILLION_SECONDS]


def test_an_atom_is_replaced_and_its_parents_grow() -> None:
    data = isobmff.atom(b"moov", isobmff.atom(b"trak", isobmff.atom(b"stsz", b"1234")))
    longer = isobmff.replaced(data, b"stsz", b"12345678")
    assert longer == isobmff.atom(b"moov", isobmff.atom(b"trak", isobmff.atom(b"stsz", b"12345678")))
    assert isobmff.replaced(longer, b"stsz", b"1234") == data


def test_the_claimed_list_is_small() -> None:
    assert len(riff.list_chunk()) < 100


def test_bombs_have_names_of_their_own() -> None:
    modules = (matroska, isobmff, riff, elementary, streams)
    assert len(BOMBS) == sum(len(module.BOMBS) for module in modules)


def decoded_seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as container:
        lengths: list[float] = [frame.samples / frame.sample_rate for frame in container.decode(audio=0)]
    return sum(lengths)
