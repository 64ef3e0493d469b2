"""Times are those of the recording's own clock, whatever is missing or damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.decoding.landmarks import LENGTH, PIPS, RATE, heard, mux, pips
from utils.decoding.blocks import decoded_blocks

CLOSE = 0.1  # seconds: encoders delay by up to 65 ms
CONTAINERS = [
    ("a.mp4", "aac"),
    ("a.mov", "alac"),
    ("a.mkv", "libopus"),
    ("a.mkv", "pcm_s16le"),
    ("a.webm", "libopus"),
    ("a.ts", "aac"),
    ("a.ts", "mp2"),
    ("a.nut", "flac"),
    ("a.flv", "libmp3lame"),
]
DAMAGED = [
    CONTAINERS[0],
    CONTAINERS[1],
    CONTAINERS[2],
    CONTAINERS[5],
    ("a.flac", "flac"),
    ("a.ogg", "libopus"),
]
RAW = [
    ("a.mp3", "libmp3lame"),
    ("a.aac", "aac"),
    ("a.ac3", "ac3"),
    ("a.flac", "flac"),
    ("a.wav", "pcm_s16le"),
]


@pytest.mark.parametrize(("name", "codec"), [*CONTAINERS, *RAW, ("a.ogg", "libopus"), ("a.caf", "alac")])
def test_an_undamaged_recording(tmp_path: Path, name: str, codec: str) -> None:
    np.testing.assert_allclose(heard(mux(tmp_path / name, codec)), PIPS, atol=CLOSE)


@pytest.mark.parametrize(
    ("name", "codec"), [pair for pair in CONTAINERS if pair[0] not in ("a.webm", "a.flv")]
)
@pytest.mark.parametrize("film", ["mpeg4", "libx264"])
def test_sound_that_begins_after_the_picture(tmp_path: Path, name: str, codec: str, film: str) -> None:
    late = mux(tmp_path / name, codec, lambda time: time + 4, film)
    np.testing.assert_allclose(heard(late), np.add(PIPS, 4), atol=CLOSE)


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_sound_alone_begins_at_once(tmp_path: Path, name: str, codec: str) -> None:
    late = mux(tmp_path / name, codec, lambda time: time + 30)
    np.testing.assert_allclose(heard(late), PIPS, atol=CLOSE)


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_a_hole_is_silence(tmp_path: Path, name: str, codec: str) -> None:
    holed = mux(tmp_path / name, codec, lambda time: time + 10 * (time >= 6))
    expected = [pip + 10 * (pip >= 6) for pip in PIPS]
    np.testing.assert_allclose(heard(holed), expected, atol=CLOSE)


@pytest.mark.parametrize(("name", "codec"), DAMAGED)
def test_what_follows_damage_keeps_its_time(tmp_path: Path, name: str, codec: str) -> None:
    damaged = bytearray(mux(tmp_path / name, codec).read_bytes())
    middle, length = len(damaged) * 45 // 100, len(damaged) // 10
    damaged[middle : middle + length] = np.random.default_rng(1).bytes(length)
    (tmp_path / name).write_bytes(damaged)
    found = heard(tmp_path / name)
    assert np.abs(np.subtract.outer(found, PIPS)).min(axis=1).max() < CLOSE
    assert found[-1] == pytest.approx(PIPS[-1], abs=CLOSE)
    total = sum(block.shape[1] for block in decoded_blocks(tmp_path / name)) / 16_000
    assert total == pytest.approx(LENGTH, abs=CLOSE)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libopus"), ("a.nut", "flac")])
def test_times_that_jump_make_nothing_longer(tmp_path: Path, name: str, codec: str) -> None:
    path = mux(tmp_path / name, codec, lambda time: time + (10**6 if time >= 6 else 0))
    np.testing.assert_allclose(heard(path), PIPS, atol=CLOSE)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.flac", "flac"),
        ("a.ogg", "libopus"),
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.webm", "libopus"),
        ("a.ts", "aac"),
        ("a.tta", "tta"),
        ("a.caf", "alac"),
        ("a.aiff", "pcm_s16be"),
    ],
)
def test_recordings_appended_to_each_other(tmp_path: Path, name: str, codec: str) -> None:
    one = mux(tmp_path / name, codec).read_bytes()
    (tmp_path / name).write_bytes(one + one)
    expected = [*PIPS, *np.add(PIPS, LENGTH)]
    np.testing.assert_allclose(heard(tmp_path / name), expected, atol=2 * CLOSE)


def test_a_stream_of_two_rates(tmp_path: Path) -> None:
    first = mux(tmp_path / "a.ogg", "libopus").read_bytes()
    (tmp_path / "a.ogg").write_bytes(first + mux(tmp_path / "b.ogg", "flac").read_bytes())
    np.testing.assert_allclose(heard(tmp_path / "a.ogg"), [*PIPS, *np.add(PIPS, LENGTH)], atol=CLOSE)


def test_pips_are_where_they_should_be() -> None:
    sound = pips([1.0], length=2)
    assert np.flatnonzero(np.abs(sound) > 3000)[0] == pytest.approx(RATE, abs=20)
