"""Sample formats, and clips of decoded audio on disk: read span by span, written block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from exceptions import UploadTooLargeError
from models import SAMPLE_RATE, Audio, AudioClip, Span

BYTES_PER_SAMPLE = 2  # s16le
MIN_SAMPLES = SAMPLE_RATE // 10  # the hosted API rejects less than 0.1 s
MAX_CHANNELS = 8  # when they are split; a downmix takes any number

Samples = npt.NDArray[Any]

ReadSamples: TypeAlias = Callable[[Span], Audio]
"""Reads a span of a recording, or of live audio."""


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """What to decode to: 1 or 2 channels, or None for those of the source; 16-bit integers or floats."""

    channels: int | None
    rate: int
    is_integer: bool = True


CLIP_FORMAT = SoundFormat(1, SAMPLE_RATE)


def check_length(num_samples: int, max_samples: int) -> None:
    """Raises UploadTooLargeError."""
    if num_samples > max_samples:
        hours = max_samples / SAMPLE_RATE / 3600
        raise UploadTooLargeError(f"The recording is longer than {hours:g} hours; split it.")


def append(clip: AudioClip, block: Samples) -> AudioClip:
    """The clip with a (1, n) block of 16-bit samples at its end. Raises OSError (the disk is full)."""
    with clip.path.open("ab") as out:
        out.write(block.tobytes())
    return AudioClip(clip.path, clip.num_samples + block.shape[1])


def read_samples(clip: AudioClip, span: Span) -> Audio:
    """The samples of `span`. Not memory-mapped: mapped pages of a day-long clip would count as memory."""
    pcm = np.fromfile(clip.path, "<i2", count=span.num_samples, offset=span.start * BYTES_PER_SAMPLE)
    return as_audio(pcm)


def as_audio(pcm: Samples) -> Audio:
    """Signed 16-bit samples as floats in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(32768)


class ClipWriter:
    """Writes audio of any sample rate as a clip of exactly `num_samples`, block by block: an excess is
    dropped, a shortfall padded with silence."""

    def __init__(self, target: Path, rate: int, num_samples: int) -> None:
        self._target = target
        self._rate = rate
        self._num_samples = num_samples
        self._resampler = AudioResampler("s16p", "mono", SAMPLE_RATE)
        target.write_bytes(b"")

    def write(self, block: npt.NDArray[np.float32]) -> None:
        """Append the mean of the channels of a (channels, n) block. Raises OSError (the disk is full)."""
        if block.shape[1]:
            frame = av.AudioFrame.from_ndarray(block.mean(axis=0, keepdims=True), "fltp", "mono")
            frame.sample_rate = self._rate
            self._append(frame)

    def finish(self) -> AudioClip:
        self._append(None)
        with self._target.open("r+b") as out:
            out.truncate(self._num_samples * BYTES_PER_SAMPLE)
        return AudioClip(self._target, self._num_samples)

    def _append(self, frame: av.AudioFrame | None) -> None:
        with self._target.open("ab") as out:
            for resampled in self._resampler.resample(frame):
                out.write(resampled.to_ndarray().tobytes())
