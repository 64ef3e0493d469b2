"""Audio files of many kinds, encoded here and decoded."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from models import AudioClip, Span
from utils.audio_utils import append, read_samples
from utils.decoding.blocks import decoded_blocks

Pcm = npt.NDArray[np.int16]


def tone(length: float, rate: int, channels: int = 1, loudness: float = 0.3) -> Pcm:
    """Interleaved; only the first channel sounds."""
    pcm = np.zeros((round(length * rate), channels), np.int16)
    pcm[:, 0] = loudness * 32767 * np.sin(440 * 2 * np.pi * np.arange(len(pcm)) / rate)
    return pcm.reshape(1, -1)


def add_pictures(container: OutputContainer, codec: str, pix_fmt: str, count: int = 1) -> None:
    """One a second."""
    stream = cast(VideoStream, container.add_stream(codec, rate=1))
    stream.width = stream.height = 64
    stream.pix_fmt = pix_fmt
    grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
    for number in range(count):
        grey.pts = number
        container.mux(stream.encode(grey))
    container.mux(stream.encode(None))


def encode(path: Path, codec: str, *sounds: Pcm, rate: int, layout: str = "mono", film: bool = False) -> Path:
    """A file with one audio stream for each of `sounds`."""
    with av.open(path, "w") as container:
        streams = [cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout)) for _ in sounds]
        if film:
            add_pictures(container, "mpeg4", "yuv420p")
        for stream, sound in zip(streams, sounds, strict=True):
            frame = av.AudioFrame.from_ndarray(sound, format="s16", layout=layout)
            frame.sample_rate = rate
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def decoded(source: Path) -> AudioClip:
    target = source.with_name("clip.s16")
    target.unlink(missing_ok=True)
    clip = AudioClip(target, 0)
    for block in decoded_blocks(source):
        clip = append(clip, block)
    return clip


def loudness(clip: AudioClip) -> float:
    samples = read_samples(clip, Span(0, clip.num_samples))
    return float(np.sqrt(np.mean(samples**2)) * np.sqrt(2))
