"""Decodes the packets of one audio stream; what is damaged is skipped and counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from utils.audio_utils import Samples
from utils.decoding.mixing import cleaned
from utils.decoding.timeline import Timed

# At 1 Hz a few kilobytes of FLAC would become gigabytes. From MIN_RATE on, a frame of 65,535 samples, the
# maximum of FLAC, lasts about 16 s.
MIN_RATE, MAX_RATE = 4_000, 768_000

MAX_FRUITLESS = 20_000  # packets without sound, after which nothing more is expected
FRUIT = 100  # packets without sound that one with sound makes up for: noise decodes now and then
MAX_FRAME = 1 << 16  # samples that are resampled at once

# Streams of bare frames: FFmpeg counts what it finds, at the rate of the first frame.
CLOCKLESS = {"aac", "ac3", "amr", "amrnb", "amrwb", "dts", "eac3", "gsm", "loas", "mlp", "mp3", "truehd"}

# FFmpeg's own decoder knows no comfort noise, with which phones fill pauses.
PREFERRED_DECODERS = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}


@dataclass(slots=True)
class DecodeReport:
    """What happened on the way, for the log."""

    skipped_packets: int = 0
    filled: float = 0.0  # seconds of silence in place of gaps
    refused_rate: int = 0  # Hz
    alternative: tuple[int, int] | None = None  # a track that is silent, and the one decoded instead
    end: str = ""  # why decoding ended before the file did
    position: int = 0  # in the file, of the last packet's end
    until: int | None = None  # presentation time at which the last packet that was skipped ends

    @property
    def is_clean(self) -> bool:
        return not (self.skipped_packets or self.refused_rate or self.end)


class FrameReader:
    """The frames of a stream with their presentation times."""

    def __init__(self, container: InputContainer, stream: AudioStream, report: DecodeReport) -> None:
        self._container = container
        self._stream = stream
        self._decoder = _decoder(stream)
        # Damaged bytes read as floating-point numbers are any numbers; other decoders keep to full scale.
        self._may_hold_anything = stream.codec_context.name.startswith("pcm_f")
        self._time_base = stream.time_base or Fraction(1, av.time_base)
        self._has_clock = container.format.name not in CLOCKLESS
        self._counted = 0  # nanoseconds, where there is no clock: frames and packets so far
        self._report = report
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all  # spares reading a film for its sound

    def frames(self) -> Iterator[Timed[AudioFrame]]:
        """Ends where the container cannot be read any further, or where hardly any packet holds sound."""
        fruitless = 0
        for packet in self._packets():
            self._report.position = max(self._report.position, (packet.pos or 0) + packet.size)
            found = False
            for frame in self._decoded(packet):
                if MIN_RATE <= frame.sample_rate <= MAX_RATE:
                    found = True
                    time = self._time_of(frame)
                    yield from _pieces(frame, time, self._may_hold_anything)
                else:
                    self._report.refused_rate = frame.sample_rate
            fruitless = max(0, fruitless - FRUIT) if found else fruitless + 1
            if fruitless > MAX_FRUITLESS:
                self._report.end = f"of {MAX_FRUITLESS} packets hardly any held audio"
                self._report.until = None
                return

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        try:
            yield from self._container.demux(self._stream)
        except Exception as error:  # PyAV raises IndexError too, for a stream that appears on the way
            self._report.end = f"{type(error).__name__}: {error}"

    def _decoded(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        # Decoders raise many classes for a packet that they refuse, PermissionError among them.
        try:
            return self._decoder.decode(packet if packet.size else None)
        except (av.error.FFmpegError, ValueError):
            self._report.skipped_packets += 1
            self._counted += 1000 * _microseconds(packet.duration or 0, self._time_base)
            if not self._has_clock:
                self._report.until = self._counted // 1000
            elif packet.pts is not None:
                self._report.until = _microseconds(packet.pts + (packet.duration or 0), self._time_base)
            return []

    def _time_of(self, frame: AudioFrame) -> int | None:
        """The presentation time in microseconds."""
        if self._has_clock:
            return None if frame.pts is None else _microseconds(frame.pts, frame.time_base or self._time_base)
        time = self._counted // 1000
        self._counted += frame.samples * 1_000_000_000 // frame.sample_rate
        return time


def _decoder(stream: AudioStream) -> AudioCodecContext:
    context = stream.codec_context
    name = PREFERRED_DECODERS.get(context.name)
    if name is None:
        return context
    decoder = cast(AudioCodecContext, AudioCodecContext.create(name, "r"))
    decoder.sample_rate = context.sample_rate
    decoder.layout = context.layout
    return decoder


def _pieces(frame: AudioFrame, time: int | None, clean: bool) -> Iterator[Timed[AudioFrame]]:
    """A frame in pieces of at most MAX_FRAME samples: PCM in Matroska has frames of any length."""
    frame.pts = None  # else the resampler would fill gaps by rules of its own
    if frame.samples <= MAX_FRAME and not clean:
        yield Timed(frame, frame.samples, frame.sample_rate, time)
        return
    for start in range(0, frame.samples, MAX_FRAME):
        piece = cut(frame, start, min(start + MAX_FRAME, frame.samples), clean)
        yield Timed(piece, piece.samples, frame.sample_rate, time if start == 0 else None)


def cut(frame: AudioFrame, start: int, stop: int, clean: bool = False) -> AudioFrame:
    """The samples from `start` to `stop` as a frame of their own."""
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    samples: Samples = frame.to_ndarray()[:, start * width : stop * width]
    if clean:
        samples = cleaned(samples)
    piece = AudioFrame.from_ndarray(np.ascontiguousarray(samples), frame.format.name, frame.layout.name)
    piece.sample_rate = frame.sample_rate
    return piece


def _microseconds(stamp: int, time_base: Fraction) -> int:
    return stamp * time_base.numerator * av.time_base // time_base.denominator
