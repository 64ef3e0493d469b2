"""Audio files of many kinds, encoded here and decoded with `Decoder`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from models import SAMPLE_RATE, AudioClip, Span
from utils.audio_utils import Decoder, read_samples

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
