"""Audio files of many kinds, decoded to clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import SAMPLE_RATE, AudioClip, Span
from tests.decoding.encoded_audio import decoded, encode, loudness, tone
from utils.audio_utils import read_samples
from utils.decoding.blocks import BLOCK_SECONDS, decoded_blocks


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout", "padding"),
    [
        ("a.wav", "pcm_s16le", 8000, "mono", 0.001),
        ("a.wav", "pcm_s16le", 44100, "stereo", 0.001),
        ("a.wav", "pcm_f32le", 16000, "mono", 0.0),
        ("a.flac", "flac", 48000, "stereo", 0.001),
        ("a.mp3", "libmp3lame", 44100, "stereo", 0.06),
        ("a.m4a", "aac", 44100, "stereo", 0.06),
        ("a.mp4", "aac", 16000, "mono", 0.13),
        ("a.ogg", "libopus", 48000, "mono", 0.03),
        ("a.webm", "libopus", 48000, "stereo", 0.03),
    ],
)
@pytest.mark.contract(
    "Transcription fields", "`file`", "flac, mp3, mp4, m4a, ogg, wav, webm and whatever else FFmpeg reads"
)
def test_every_kind(tmp_path: Path, name: str, codec: str, rate: int, layout: str, padding: float) -> None:
    channels = 2 if layout == "stereo" else 1
    source = encode(tmp_path / name, codec, tone(2.5, rate, channels), rate=rate, layout=layout)
    clip = decoded(source)
    assert clip.seconds == pytest.approx(2.5, abs=padding)
    assert clip.path.stat().st_size == 2 * clip.num_samples
    assert loudness(clip) == pytest.approx(0.3 / channels, rel=0.1)


def test_a_video_is_heard(tmp_path: Path) -> None:
    clip = decoded(encode(tmp_path / "a.mp4", "aac", tone(2, 44100), rate=44100, film=True))
    assert clip.seconds == pytest.approx(2, abs=0.06)
    assert loudness(clip) == pytest.approx(0.3, rel=0.1)


def test_only_the_first_audio_stream_is_heard(tmp_path: Path) -> None:
    sounds = tone(1, 16000), tone(3, 16000, loudness=0.9)
    clip = decoded(encode(tmp_path / "a.mkv", "pcm_s16le", *sounds, rate=16000))
    assert clip.num_samples == SAMPLE_RATE
    assert loudness(clip) == pytest.approx(0.3, rel=0.01)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.wav", "pcm_s16le")])
def test_of_a_truncated_file_there_is_what_there_is(tmp_path: Path, name: str, codec: str) -> None:
    source = encode(tmp_path / name, codec, tone(4, 16000), rate=16000)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert decoded(source).seconds == pytest.approx(2, abs=0.15)


def test_a_damaged_middle_is_skipped(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp3", "libmp3lame", tone(4, 16000), rate=16000)
    whole = bytearray(source.read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 300] = b"\xff" * 300
    source.write_bytes(whole)
    assert decoded(source).seconds == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.aac", "aac")])
def test_a_recording_may_change_its_format_halfway(tmp_path: Path, name: str, codec: str) -> None:
    stereo = encode(tmp_path / name, codec, tone(2, 44100, 2), rate=44100, layout="stereo").read_bytes()
    source = encode(tmp_path / name, codec, tone(2, 22050), rate=22050)
    source.write_bytes(stereo + source.read_bytes())
    assert decoded(source).seconds == pytest.approx(4, abs=0.3)


def test_a_block_is_ten_seconds(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(60, 16000), rate=16000)
    seconds = next(decoded_blocks(source)).shape[1] / SAMPLE_RATE
    assert BLOCK_SECONDS <= seconds < 2 * BLOCK_SECONDS


def test_samples_are_those_of_the_file(tmp_path: Path) -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32768, 5000).astype("<i2")
    pcm[:2] = -32768, 32767
    pcm.tofile(tmp_path / "clip")
    clip = AudioClip(tmp_path / "clip", len(pcm))
    for span in (Span(0, 5000), Span(1234, 4321), Span(4999, 5000), Span(10, 10)):
        samples = read_samples(clip, span)
        assert samples.dtype == np.float32
        np.testing.assert_array_equal(samples, pcm[span.start : span.stop] / np.float32(32768))
