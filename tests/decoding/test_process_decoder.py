"""Decoding in processes of their own: what one file does to its process, nobody else notices."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from benchmarks.files.bombs.elementary import flac_of_silence
from exceptions import InvalidAudioError, InvalidRequestError
from models import SAMPLE_RATE
from tests.decoding.landmarks import mux
from utils.audio_utils import CLIP_FORMAT, Samples, SoundFormat
from utils.decoding.blocks import FREE_SECONDS, decoded_blocks
from utils.decoding.process_decoder import ProcessDecoder
from utils.decoding.tracks import ANY_TRACK, TrackChoice

OTHERS: set[int] = set()
"""Process ids of children that other tests left to end."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[ProcessDecoder]:
    OTHERS.update(child.pid for child in psutil.Process().children())
    decoder = ProcessDecoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mux(tmp_path_factory.mktemp("good") / "a.mp3", "libmp3lame")


async def decode(decoder: ProcessDecoder, path: Path, target: SoundFormat = CLIP_FORMAT) -> Samples:
    async with decoder.open(path, target, ANY_TRACK) as audio:
        return np.concatenate([block async for block in audio], axis=1)


def processes() -> list[psutil.Process]:
    """The process that forks, and those it has forked."""
    (server,) = [child for child in psutil.Process().children() if child.pid not in OTHERS]
    return [server, *server.children()]


async def forked_ended() -> None:
    _, *forked = processes()
    _, alive = await asyncio.to_thread(psutil.wait_procs, forked, 10)
    assert not alive


@pytest.mark.parametrize("target", [CLIP_FORMAT, SoundFormat(2, 44_100, is_integer=False)])
async def test_samples_are_those_of_the_file(
    decoder: ProcessDecoder, good: Path, target: SoundFormat
) -> None:
    expected = np.concatenate(list(decoded_blocks(good, target)), axis=1)
    np.testing.assert_array_equal(await decode(decoder, good, target), expected)
    await forked_ended()


async def test_the_length_is_known_from_the_start(decoder: ProcessDecoder, good: Path) -> None:
    async with decoder.open(good, CLIP_FORMAT, ANY_TRACK) as audio:
        assert audio.claimed_samples == pytest.approx(12 * SAMPLE_RATE, rel=0.01)


async def test_refusals_arrive_as_they_were(decoder: ProcessDecoder, good: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no audio" * 100)
    with pytest.raises(InvalidAudioError, match="Send flac") as refused:
        await decode(decoder, tmp_path / "a")
    assert refused.value.param == "file"
    with pytest.raises(InvalidRequestError, match="no such audio track") as unknown:
        async with decoder.open(good, CLIP_FORMAT, TrackChoice(7)):
            pass
    assert unknown.value.param == "audio_track"


async def test_a_process_that_dies_is_its_caller_s_error_alone(decoder: ProcessDecoder, good: Path) -> None:
    async with decoder.open(good, CLIP_FORMAT, ANY_TRACK) as dying:
        dying_process = processes()[1]
        async with decoder.open(good, CLIP_FORMAT, ANY_TRACK) as audio:
            dying_process.kill()
            assert [len(block) async for block in audio] == [1, 1]
        with pytest.raises(InvalidAudioError, match="more time or memory"):
            await anext(dying)


async def test_files_go_on_after_the_death_of_the_process_that_forks(
    decoder: ProcessDecoder, good: Path
) -> None:
    expected = await decode(decoder, good)
    processes()[0].kill()
    np.testing.assert_array_equal(await decode(decoder, good), expected)


async def test_a_process_ends_with_its_caller(decoder: ProcessDecoder, good: Path) -> None:
    async with decoder.open(good, CLIP_FORMAT, ANY_TRACK):
        assert len(processes()) == 2
    await forked_ended()


def a_chunk_of_two_gigabytes(path: Path) -> None:
    """A WAV whose title claims to be that long: FFmpeg allocates it."""
    head = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    title = b"LIST" + struct.pack("<I", 0x7FFFFFFF) + b"INFOISFT" + struct.pack("<I", 0x7FFFFF00) + b"x" * 20
    path.write_bytes(b"RIFF" + struct.pack("<I", 100) + b"WAVE" + head + title)


async def test_memory_is_bounded_by_the_size_of_the_file(decoder: ProcessDecoder, tmp_path: Path) -> None:
    a_chunk_of_two_gigabytes(tmp_path / "a.wav")
    with pytest.raises(InvalidAudioError):
        await decode(decoder, tmp_path / "a.wav")


async def test_no_picture_is_decoded(decoder: ProcessDecoder, tmp_path: Path) -> None:
    film = mux(tmp_path / "a.mp4", "aac", film="mpeg4")
    whole = await decode(decoder, film)
    film.write_bytes(film.read_bytes().replace(b"mp4v", b"ZMBV"))
    np.testing.assert_array_equal(await decode(decoder, film), whole)


async def test_time_is_bounded_by_what_is_decoded(decoder: ProcessDecoder, tmp_path: Path) -> None:
    """Frames of one sample each."""
    path = tmp_path / "a.nut"
    rate = Fraction(1, SAMPLE_RATE)
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for number in range(200_000):
            packet = av.Packet(b"\1\2")
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, rate
            container.mux(packet)
    with pytest.raises(InvalidAudioError, match="more time or memory"):
        await decode(decoder, path)


async def test_few_bytes_do_not_become_days(decoder: ProcessDecoder, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of_silence(frames=60))  # of 16 s each
    seconds = (await decode(decoder, path)).shape[1] / SAMPLE_RATE
    assert FREE_SECONDS <= seconds < FREE_SECONDS + 60
