"""Live audio in every format becomes samples at 16 kHz, however it is cut into pieces."""

from __future__ import annotations

import io
import struct
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE
from options import Encoding, LiveFormat
from services.live.pace import Pace
from tests.live.live_sessions import AudioClock
from utils.live.pcm import Pcm, PcmReader, bytes_per_second

SIXTEEN = LiveFormat(rate=SAMPLE_RATE)


def tone(rate: int, length: float = 1.0, hertz: float = 440) -> Pcm:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * length)) / rate)).astype(np.int16)


def read(audio: LiveFormat, pieces: list[bytes]) -> Pcm:
    reader = PcmReader(audio)
    return np.concatenate([*(reader.read(piece) for piece in pieces), reader.flush()])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_pieces_may_end_amid_a_sample(data: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(ends)]
    whole = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    assert np.array_equal(read(SIXTEEN, pieces), whole)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_any_rate_is_resampled_on_time(rate: int) -> None:
    data = tone(rate).tobytes()
    step = rate // 20 * 2
    found = read(LiveFormat(rate=rate), [data[n : n + step] for n in range(0, len(data), step)])
    assert 0 <= SAMPLE_RATE - len(found) <= SAMPLE_RATE // 500, "it holds back two milliseconds at most"
    clear = slice(200, len(found) - 200)
    assert np.abs(found[clear] - tone(SAMPLE_RATE)[: len(found)][clear].astype(float)).max() < 200


@pytest.mark.parametrize(
    ("encoding", "code", "sample"),
    [
        # ITU-T G.711, tables 2a and 1a: the largest, the smallest, and zero
        (Encoding.ULAW, 0x80, 32124),
        (Encoding.ULAW, 0x00, -32124),
        (Encoding.ULAW, 0xFF, 0),
        (Encoding.ULAW, 0xFE, 8),
        (Encoding.ALAW, 0xAA, 32256),
        (Encoding.ALAW, 0x2A, -32256),
        (Encoding.ALAW, 0xD5, 8),
        (Encoding.ALAW, 0x55, -8),
    ],
)
def test_g711_codes_are_those_of_the_standard(encoding: Encoding, code: int, sample: int) -> None:
    reader = PcmReader(LiveFormat(encoding, SAMPLE_RATE))
    assert not len(reader.read(bytes([code]))), "small pieces are collected"
    assert reader.flush().tolist() == [sample]


@pytest.mark.parametrize("encoding", [Encoding.ULAW, Encoding.ALAW])
def test_each_g711_code_is_decoded_as_by_ffmpeg(encoding: Encoding) -> None:
    codes = bytes(range(256))
    kind = 7 if encoding is Encoding.ULAW else 6
    head = struct.pack("<HHIIHH", kind, 1, 8000, 8000, 1, 8)
    wav = b"RIFF" + struct.pack("<I", 36 + 256) + b"WAVEfmt " + struct.pack("<I", 16) + head
    wav += b"data" + struct.pack("<I", 256) + codes
    with av.open(io.BytesIO(wav), "r") as container:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    reader = PcmReader(LiveFormat(encoding, SAMPLE_RATE))
    assert np.array_equal(np.concatenate([reader.read(codes), reader.flush()]), decoded)


def test_a_second_has_as_many_bytes_as_the_format_says() -> None:
    assert bytes_per_second(LiveFormat()) == 48_000
    assert bytes_per_second(LiveFormat(Encoding.ULAW, 8000)) == 8000


def speak(pace: Pace, clock: AudioClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        pace.take(SAMPLE_RATE)


def test_a_file_is_bulk_and_speech_is_not() -> None:
    clock = AudioClock()
    pace = Pace(clock)
    speak(pace, clock, 600)
    assert not pace.is_bulk
    pace.take(10 * SAMPLE_RATE)
    assert pace.is_bulk


def test_who_talks_on_after_a_burst_is_live_again() -> None:
    clock = AudioClock()
    pace = Pace(clock)
    clock.now += 8  # held back by the network
    pace.take(8 * SAMPLE_RATE)
    speak(pace, clock, 10)
    assert not pace.is_bulk
