"""Resamples placed frames to a target format, with silence in the gaps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from exceptions import InvalidAudioError
from utils.audio_utils import MAX_CHANNELS, Samples, SoundFormat
from utils.decoding.frames import cut
from utils.decoding.mixing import Floats
from utils.decoding.timeline import SECOND, Placed

UNNAMED_LAYOUT = re.compile(r"\d+ channels")  # nothing is known of where the channels belong
LONGEST_SILENCE = 10  # seconds in one piece


class _SourceFormat(NamedTuple):
    sample_format: str
    layout: str
    channels: int
    rate: int


class Resampler:
    """(rows, n) float pieces at the target's rate. Rows are the channels of the source where all are wanted,
    else one or two: FFmpeg mixes those of a known layout down to stereo, of others the mean is taken."""

    def __init__(self, target: SoundFormat) -> None:
        self._target = target
        self._source: _SourceFormat | None = None
        self._resampler: AudioResampler | None = None
        self._rows = 1
        self._emitted = self._silence = 0

    @property
    def seconds_filled(self) -> float:
        return self._silence / self._target.rate

    @property
    def time(self) -> int:
        """The end of what was emitted, in microseconds."""
        return self._emitted * SECOND // self._target.rate

    def pieces(self, placed: Iterator[Placed[AudioFrame]]) -> Iterator[Floats]:
        """The frames, with silence in the gaps between them."""
        for place in placed:
            frame = place.timed.frame
            if place.gap > 0:
                yield from self.silence_until(place.start)
            elif place.gap < 0:
                repeated = -place.gap * place.timed.rate // SECOND
                if repeated >= place.timed.num_samples:
                    continue
                frame = cut(frame, repeated, place.timed.num_samples)
            yield from self._resampled(frame)

    def silence_until(self, time: int) -> Iterator[Floats]:
        """The rest of the frame before and silence, up to `time` of the recording."""
        yield from self.finish()
        while (missing := time * self._target.rate // SECOND - self._emitted) > 0:
            length = min(missing, LONGEST_SILENCE * self._target.rate)
            self._silence += length
            yield self._counted(np.zeros((self._rows, length), np.float32))

    def finish(self) -> Iterator[Floats]:
        """What the resampler still holds; the next frame begins anew."""
        if self._resampler:
            yield from self._output(self._resampler, None)
        self._resampler = None

    def _resampled(self, frame: AudioFrame) -> Iterator[Floats]:
        source = _SourceFormat(
            frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate
        )
        if source != self._source or self._resampler is None:
            yield from self.finish()
            layout = self._layout(source)
            self._source = source
            self._resampler = AudioResampler(
                "flt", layout, self._target.rate
            )  # bound to its first frame's format
        yield from self._output(self._resampler, frame)

    def _layout(self, source: _SourceFormat) -> str:
        """What FFmpeg shall resample to; sets the number of rows."""
        if self._target.channels is None:
            if (self._source and source.channels != self._rows) or source.channels > MAX_CHANNELS:
                raise InvalidAudioError(
                    f"The recording has {source.channels} channels, or their number changes."
                )
            self._rows = source.channels
            return source.layout
        self._rows = min(source.channels, 2)
        return source.layout if source.channels <= 2 or UNNAMED_LAYOUT.fullmatch(source.layout) else "stereo"

    def _output(self, resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Floats]:
        for resampled in resampler.resample(frame):
            # Packed, since PyAV crashes on planar data from the eighth plane on.
            channels = resampled.layout.nb_channels
            rows: Samples = resampled.to_ndarray().reshape(-1, channels).T
            if channels > self._rows:
                rows = np.broadcast_to(rows.mean(axis=0), (self._rows, rows.shape[1]))
            yield self._counted(rows)

    def _counted(self, piece: Floats) -> Floats:
        self._emitted += piece.shape[1]
        return piece
