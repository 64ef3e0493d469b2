"""Splits a recording with one speaker per channel into one file per channel."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from exceptions import InvalidRequestError
from models import SAMPLE_RATE, Audio, Span
from utils.audio_utils import (
    BYTES_PER_SAMPLE,
    MAX_CHANNELS,
    Samples,
    SoundFormat,
    as_audio,
    check_length,
)

EVERY_CHANNEL = SoundFormat(None, SAMPLE_RATE)

# Sun audio: its header allows any length of recording, where WAV ends at 4 GiB. Encoding 3 is 16-bit linear
# PCM; the length is left unknown. https://pubs.opengroup.org/external/auformat.html
HEADER = struct.pack(">4s5I", b".snd", 24, 0xFFFFFFFF, 3, SAMPLE_RATE, 1)


class ChannelSplitter:
    """Writes the channels of a recording to a mono file each, block by block."""

    def __init__(self, folder: Path, max_samples: int) -> None:
        self._folder = folder
        self._max_samples = max_samples
        self.num_samples = 0  # of each channel, so far
        self._are_identical = True
        self._targets: list[Path] = []

    def write(self, block: Samples) -> None:
        """Append a (channels, n) block.

        Raises InvalidRequestError (one channel), UploadTooLargeError, OSError (disk full).
        """
        if not self._targets:
            self._begin(len(block))
        self.num_samples += block.shape[1]
        check_length(self.num_samples, self._max_samples)
        self._are_identical = self._are_identical and bool((block == block[0]).all())
        for target, channel in zip(self._targets, block, strict=True):
            with target.open("ab") as out:
                out.write(channel.astype(">i2").tobytes())

    def finish(self) -> list[Path]:
        """The files in channel order. Raises InvalidRequestError if all are identical."""
        if self._are_identical:
            raise _unsuitable("has identical channels")
        return self._targets

    def _begin(self, channels: int) -> None:
        if channels == 1:
            raise _unsuitable("has one channel")
        self._targets = [self._folder / f"channel-{number}.au" for number in range(channels)]
        for target in self._targets:
            target.write_bytes(HEADER)


def _unsuitable(reason: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"channels=separate requires a recording with a speaker on each of 2 to {MAX_CHANNELS} channels; "
        f"this one {reason}. Use channels=mix instead.",
        param="channels",
    )


def read_channel(path: Path, span: Span) -> Audio:
    """The samples of `span` in a file written by `ChannelSplitter`."""
    offset = len(HEADER) + span.start * BYTES_PER_SAMPLE
    pcm = np.fromfile(path, ">i2", count=span.num_samples, offset=offset)
    return as_audio(pcm)


def loudness(samples: Samples) -> float:
    """Root mean square; 0 for no samples."""
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
