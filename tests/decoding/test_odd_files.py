"""Valid or slightly damaged files of ordinary people, which must not be refused or heard as nothing."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from models import SAMPLE_RATE
from tests.decoding.encoded_audio import encode, tone
from tests.decoding.landmarks import PIPS, RATE, heard, mux, pips
from utils.audio_utils import CLIP_FORMAT, SoundFormat
from utils.decoding.blocks import Decoding, decoded_blocks
from utils.decoding.tracks import ANY_TRACK, TrackChoice

RIFF_HEADER = 44


def level(path: Path, choice: TrackChoice = ANY_TRACK) -> float:
    samples = np.concatenate(list(decoded_blocks(path, CLIP_FORMAT, choice)), axis=1) / 32768
    return float(np.sqrt(np.mean(samples**2)))


def wav(path: Path, sound: np.ndarray, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.astype("<i2").tobytes())
    return path


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def test_tags_that_are_not_utf_8(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", pips())
    path.write_bytes(path.read_bytes() + chunk(b"LIST", b"INFO" + chunk(b"INAM", "Köln".encode("latin-1"))))
    np.testing.assert_allclose(heard(path), PIPS, atol=0.01)
    path = mux(tmp_path / "a.mp3", "libmp3lame")
    path.write_bytes(path.read_bytes() + b"TAG" + "Für Elise".encode("latin-1").ljust(125, b"\0"))
    np.testing.assert_allclose(heard(path), PIPS, atol=0.1)


@pytest.mark.parametrize("size", [0, 4096, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_with_a_wrong_size(tmp_path: Path, size: int) -> None:
    path = wav(tmp_path / "a.wav", pips())
    whole = bytearray(path.read_bytes())
    whole[RIFF_HEADER - 4 : RIFF_HEADER] = struct.pack("<I", size)
    path.write_bytes(whole)
    np.testing.assert_allclose(heard(path), PIPS, atol=0.01)


def test_metadata_behind_the_samples_are_not_heard(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", pips())
    path.write_bytes(path.read_bytes() + chunk(b"id3 ", np.random.default_rng(1).bytes(200_001)))
    assert sum(block.shape[1] for block in decoded_blocks(path)) == 12 * SAMPLE_RATE


def test_an_inverted_channel(tmp_path: Path) -> None:
    sound = pips()
    path = wav(tmp_path / "a.wav", np.stack([sound, -sound], axis=1), channels=2)
    np.testing.assert_allclose(heard(path), PIPS, atol=0.01)


def test_floats_above_full_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((pips() / 300).astype(np.float32)[None], "flt", "mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    samples = np.concatenate(list(decoded_blocks(path)), axis=1)[0] / 32768
    pip = samples[SAMPLE_RATE // 2 : SAMPLE_RATE // 2 + 800]
    assert np.mean(np.abs(pip) > 0.99) < 0.2  # a clipped sine spends most of its time there
    np.testing.assert_allclose(heard(path), PIPS, atol=0.01)


def two_tracks(path: Path, first: np.ndarray, second: np.ndarray) -> Path:
    return encode(path, "pcm_s16le", first, second, rate=16_000)


def test_a_silent_track_gives_way(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mkv", tone(3, 16_000, loudness=0), tone(3, 16_000))
    assert level(path) == pytest.approx(0.3 / 2**0.5, rel=0.01)
    assert level(path, TrackChoice(1)) == 0
    with path.open("rb") as file:
        assert Decoding(file, CLIP_FORMAT).report.alternative == (1, 2)


def test_a_track_by_number(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mkv", tone(3, 16_000), tone(3, 16_000, loudness=0.6))
    assert level(path, TrackChoice(2)) == pytest.approx(2 * level(path), rel=0.01)


def test_a_track_that_nothing_decodes_gives_way(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", "aac", tone(2, 16_000), tone(2, 16_000), rate=16_000)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"A_AAC", b"A_APC", 1))
    assert level(path) > 0.1


def test_many_channels_that_nobody_named(tmp_path: Path) -> None:
    sound = np.repeat(pips()[:, None], 20, axis=1)
    np.testing.assert_allclose(heard(wav(tmp_path / "a.wav", sound, channels=20)), PIPS, atol=0.01)


def test_every_channel(tmp_path: Path) -> None:
    sound = np.stack([pips() * share for share in (1.0, 0.5, 0.0)], axis=1)
    path = wav(tmp_path / "a.wav", sound, channels=3)
    block = np.concatenate(list(decoded_blocks(path, SoundFormat(None, SAMPLE_RATE))), axis=1)
    np.testing.assert_allclose(np.abs(block).max(axis=1) / 12_000, [1, 0.5, 0], atol=0.03)


VOICE_NOTE = (  # one frame of AMR at 4.75 kbit/s and one of comfort noise
    bytes([0x04, *([0x11] * 12)]),
    bytes([0x44, *([0x22] * 5)]),
)


def test_comfort_noise_of_telephones(tmp_path: Path) -> None:
    speech, noise = VOICE_NOTE
    path = tmp_path / "a.amr"
    path.write_bytes(b"#!AMR\n" + (speech * 10 + noise + b"\x7c" * 7) * 20)
    num_samples = sum(block.shape[1] for block in decoded_blocks(path))
    assert num_samples / SAMPLE_RATE == pytest.approx(18 * 20 * 0.02, abs=0.03)


def test_a_header_that_points_out_of_the_file(tmp_path: Path) -> None:
    path = mux(tmp_path / "a.mp4", "aac")
    content = bytearray(path.read_bytes())
    table = content.index(b"stco") + 12
    content[table : table + 4] = b"\xff\xff\xff\x00"
    path.write_bytes(content)
    assert list(decoded_blocks(path)) == []
