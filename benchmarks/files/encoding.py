"""Writes speech, with black pictures beside it where asked for, as the bytes of a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from benchmarks.files.pairs import Pair
from benchmarks.worker import ROOT
from models import SAMPLE_RATE

Pcm = npt.NDArray[np.int16]
"""Mono samples at SAMPLE_RATE."""

Retime = Callable[["Packet[Any]"], float]
"""Seconds by which a packet is presented later than the samples or pictures written before it would say."""

FIXTURES = ROOT / "tests" / "fixtures"
PICTURES_PER_SECOND = 25
BIT_RATE = 64_000
SAMPLES_PER_FRAME = 1024  # where the codec leaves it open
# Without random serial numbers and times of writing, so that the same input always gives the same bytes.
BIT_EXACT = {"fflags": "+bitexact", "strict": "-2"}


def read_speech(name: str = "dialogue") -> Pcm:
    """A recording of the tests, in mono at SAMPLE_RATE."""
    with av.open(str(FIXTURES / f"{name}.flac")) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    speech: Pcm = np.concatenate(frames, axis=1)[0]
    return speech


def encode(
    speech: Pcm,
    pair: Pair,
    *,
    tags: Mapping[str, str] | None = None,
    retime: Retime | None = None,
    bit_rate: int = 0,
) -> bytes:
    """The bytes of a file of `pair`, at `bit_rate` bits per second or the codec's own. Raises
    av.error.FFmpegError and ValueError if PyAV cannot write it."""
    written = io.BytesIO()
    options = BIT_EXACT | dict(pair.options)
    with av.open(written, "w", format=pair.container, options=options) as container:
        container.metadata.update(tags or {})
        picture = _add_video(container, pair) if pair.video else None
        sound = _add_audio(container, pair, bit_rate)
        container.start_encoding()
        packets = list(_sound_packets(sound, speech))
        if picture:
            packets += _picture_packets(picture, len(speech) / SAMPLE_RATE)
        for packet in packets:
            _delay(packet, retime(packet) if retime else 0.0)
        for packet in sorted(packets, key=_decoded_at):
            container.mux_one(packet)
    return written.getvalue()


def _add_audio(container: OutputContainer, pair: Pair, bit_rate: int) -> AudioStream:
    stream = container.add_stream(pair.codec, rate=pair.rate, layout=pair.layout, options={"strict": "-2"})
    assert isinstance(stream, AudioStream)
    formats = stream.codec_context.codec.audio_formats
    if formats:
        stream.format = formats[0].name
    if bit_rate or pair.codec.startswith("wma"):
        stream.bit_rate = bit_rate or BIT_RATE
    return stream


def _add_video(container: OutputContainer, pair: Pair) -> VideoStream:
    stream = container.add_stream(pair.video, rate=PICTURES_PER_SECOND)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = pair.size
    stream.pix_fmt = "yuv420p"
    return stream


def _sound_packets(stream: AudioStream, speech: Pcm) -> Iterator[Packet[Any]]:
    resampler = av.AudioResampler(stream.format.name, stream.layout.name, stream.rate)
    frame = av.AudioFrame.from_ndarray(speech[None], "s16", "mono")
    frame.sample_rate = SAMPLE_RATE
    waiting = av.AudioFifo()
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        resampled.pts = None
        waiting.write(resampled)
    size = stream.codec_context.frame_size or SAMPLES_PER_FRAME
    num_samples = 0
    while frame_ := waiting.read(size, partial=True):
        frame_.pts, frame_.time_base = num_samples, Fraction(1, stream.rate)
        num_samples += frame_.samples
        yield from stream.encode(frame_)
    yield from stream.encode(None)


def _picture_packets(stream: VideoStream, seconds: float) -> Iterator[Packet[Any]]:
    picture = av.VideoFrame(stream.width, stream.height, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes(plane.buffer_size))
    for number in range(round(seconds * PICTURES_PER_SECOND)):
        picture.pts, picture.time_base = number, Fraction(1, PICTURES_PER_SECOND)
        yield from stream.encode(picture)
    yield from stream.encode(None)


def _delay(packet: Packet[Any], seconds: float) -> None:
    ticks = round(seconds / packet.time_base)
    if ticks and packet.pts is not None and packet.dts is not None:
        packet.pts += ticks
        packet.dts += ticks


def _decoded_at(packet: Packet[Any]) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else 0.0
