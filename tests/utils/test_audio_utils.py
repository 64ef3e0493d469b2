"""Audio files of many kinds, encoded here and decoded there."""

from __future__ import annotations

import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from exceptions import InvalidAudioError, UploadTooLargeError
from models import SAMPLE_RATE, AudioClip, Span
from utils.audio_utils import (
    BLOCK_SECONDS,
    ClipWriter,
    Decoder,
    SoundFormat,
    decoded_blocks,
    read_samples,
)

HOUR = 3600 * SAMPLE_RATE
Pcm = npt.NDArray[np.int16]


def tone(length: float, rate: int, channels: int = 1, loudness: float = 0.3) -> Pcm:
    """Interleaved; only the first channel sounds."""
    pcm = np.zeros((round(length * rate), channels), np.int16)
    pcm[:, 0] = loudness * 32767 * np.sin(440 * 2 * np.pi * np.arange(len(pcm)) / rate)
    return pcm.reshape(1, -1)


def add_picture(container: OutputContainer, codec: str, pix_fmt: str) -> None:
    stream = cast(VideoStream, container.add_stream(codec, rate=1))
    stream.width = stream.height = 64
    stream.pix_fmt = pix_fmt
    grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
    container.mux([*stream.encode(grey), *stream.encode(None)])


def encode(path: Path, codec: str, *sounds: Pcm, rate: int, layout: str = "mono", film: bool = False) -> Path:
    """A file with one audio stream for each of `sounds`."""
    with av.open(path, "w") as container:
        streams = [cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout)) for _ in sounds]
        if film:
            add_picture(container, "mpeg4", "yuv420p")
        for stream, sound in zip(streams, sounds, strict=True):
            frame = av.AudioFrame.from_ndarray(sound, format="s16", layout=layout)
            frame.sample_rate = rate
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def decoded(source: Path, max_samples: int = HOUR) -> AudioClip:
    decoder = Decoder(source, source.with_name("clip.s16"), max_samples)
    while (clip := decoder.step()) is None:
        pass
    return clip


def loudness(clip: AudioClip) -> float:
    samples = read_samples(clip, Span(0, clip.num_samples))
    return float(np.sqrt(np.mean(samples**2)) * np.sqrt(2))


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


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "words " * 500)


def a_jpeg(path: Path) -> None:
    with av.open(path, "w", format="mjpeg") as container:
        add_picture(container, "mjpeg", "yuvj420p")


def a_short_wav(path: Path, samples: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, samples, "NONE", ""))
        file.writeframes(b"ab" * samples)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(range(256)) * 50),
        lambda path: path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>" * 20),
        a_zip,
        a_jpeg,
        lambda path: encode(path.with_suffix(".mp4"), "aac", rate=1, film=True).rename(path),
        lambda path: a_short_wav(path, 0),
        lambda path: a_short_wav(path, SAMPLE_RATE // 10 - 1),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, write: Callable[[Path], object]) -> None:
    write(tmp_path / "upload")
    with pytest.raises(InvalidAudioError) as caught:
        decoded(tmp_path / "upload")
    assert caught.value.param == "file"


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.0,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "text"), [("a.m3u8", PLAYLIST), ("a.ffconcat", "ffconcat version 1.0\nfile {}\n")]
)
def test_a_file_that_names_another_is_refused(tmp_path: Path, name: str, text: str) -> None:
    secret = encode(tmp_path / "secret.ts", "mp2", tone(2, 44100), rate=44100)
    assert decoded(secret).seconds > 1  # it could be read
    for target in (secret, secret.name, f"file:{secret}"):
        (tmp_path / name).write_text(text.format(target))
        with pytest.raises(InvalidAudioError):
            decoded(tmp_path / name)
        assert (tmp_path / "clip.s16").stat().st_size == 0


def test_too_long_a_recording_is_refused(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(2, 16000), rate=16000)
    assert decoded(source, max_samples=2 * SAMPLE_RATE).num_samples == 2 * SAMPLE_RATE
    with pytest.raises(UploadTooLargeError):
        decoded(source, max_samples=2 * SAMPLE_RATE - 1)


def test_a_step_is_one_block(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(60, 16000), rate=16000)
    decoder = Decoder(source, tmp_path / "clip.s16", HOUR)
    assert decoder.step() is None
    seconds = (tmp_path / "clip.s16").stat().st_size / 2 / SAMPLE_RATE
    assert BLOCK_SECONDS <= seconds < 2 * BLOCK_SECONDS


@pytest.mark.parametrize("rate", [1, 3_999])
def test_a_rate_that_would_blow_up_is_refused(tmp_path: Path, rate: int) -> None:
    """At 1 Hz a few kilobytes of FLAC are an hour of audio in every frame."""
    source = encode(tmp_path / "a.flac", "flac", tone(1, 16000), rate=rate)
    with pytest.raises(InvalidAudioError, match="sample rate"):
        decoded(source)


def test_samples_are_those_of_the_file(tmp_path: Path) -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32768, 5000).astype("<i2")
    pcm[:2] = -32768, 32767
    pcm.tofile(tmp_path / "clip")
    clip = AudioClip(tmp_path / "clip", len(pcm))
    for span in (Span(0, 5000), Span(1234, 4321), Span(4999, 5000), Span(10, 10)):
        samples = read_samples(clip, span)
        assert samples.dtype == np.float32
        np.testing.assert_array_equal(samples, pcm[span.start : span.stop] / np.float32(32768))


STEREO = SoundFormat("fltp", 2, 44_100)


def in_stereo(source: Path) -> npt.NDArray[np.float32]:
    return np.concatenate(list(decoded_blocks(source, STEREO)), axis=1)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize(("layout", "gains"), [("mono", (0.3, 0.3)), ("stereo", (0.3, 0.0))])
def test_sound_in_stereo(tmp_path: Path, rate: int, layout: str, gains: tuple[float, float]) -> None:
    sound = tone(2.5, rate, len(set(gains)))
    channels = in_stereo(encode(tmp_path / "a.wav", "pcm_s16le", sound, rate=rate, layout=layout))
    assert channels.dtype == np.float32
    assert channels.shape[1] == pytest.approx(2.5 * 44_100, abs=50)
    np.testing.assert_allclose(np.abs(channels).max(axis=1), gains, atol=0.01)


def test_blocks_in_stereo_are_as_long(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(25, 16000), rate=16000)
    lengths = [block.shape[1] / 44_100 for block in decoded_blocks(source, STEREO)]
    assert len(lengths) == 3
    assert all(10 <= length < 11 for length in lengths[:2])


@pytest.mark.parametrize("extra", [-700, 0, 700])
def test_sound_becomes_a_clip_of_the_length_asked_for(tmp_path: Path, extra: int) -> None:
    source = encode(tmp_path / "a.wav", "pcm_s16le", tone(3, 44100, 2), rate=44100, layout="stereo")
    straight = decoded(source)
    writer = ClipWriter(tmp_path / "written.s16", 44_100, straight.num_samples + extra)
    for block in np.array_split(in_stereo(source), 7, axis=1):
        writer.write(block)
    clip = writer.finish()
    assert clip.num_samples == straight.num_samples + extra
    assert clip.path.stat().st_size == 2 * clip.num_samples
    shared = Span(0, min(clip.num_samples, straight.num_samples))
    np.testing.assert_allclose(read_samples(clip, shared), read_samples(straight, shared), atol=1e-3)
    assert not read_samples(clip, Span(shared.stop, clip.num_samples)).any()
