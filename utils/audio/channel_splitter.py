"""A recording with somebody on each channel: every channel becomes a file of its own."""

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
    decoded_blocks,
)

EVERY_CHANNEL = SoundFormat("s16", None, SAMPLE_RATE)

# Sun audio: a header of any length of recording, where WAV ends at 4 GiB. 3 is 16-bit linear PCM, and the
# length stays open. https://pubs.opengroup.org/external/auformat.html
HEADER = struct.pack(">4s5I", b".snd", 24, 0xFFFFFFFF, 3, SAMPLE_RATE, 1)


class ChannelSplitter:
    """Decodes the first audio stream of `source` into a mono file for each channel, a block a step."""

    def __init__(self, source: Path, folder: Path, max_samples: int) -> None:
        self._blocks = decoded_blocks(source, EVERY_CHANNEL)
        self._folder = folder
        self._max_samples = max_samples
        self._num_samples = 0
        self._are_same = True
        self._targets: list[Path] = []

    def step(self) -> list[Path] | None:
        """Decode one block more; the files, in the order of the channels, once there are none.

        Raises InvalidAudioError, InvalidRequestError (no two channels), UploadTooLargeError, OSError (the
        disk is full).
        """
        block = next(self._blocks, None)
        if block is None:
            if self._are_same:
                raise _unfit("whose channels are all the same")
            return self._targets
        if not self._targets:
            self._begin(len(block))
        self._num_samples += block.shape[1]
        check_length(self._num_samples, self._max_samples)
        self._are_same = self._are_same and bool((block == block[0]).all())
        for target, channel in zip(self._targets, block, strict=True):
            with target.open("ab") as out:
                out.write(channel.astype(">i2").tobytes())
        return None

    def _begin(self, channels: int) -> None:
        if channels == 1:
            raise _unfit("with one channel")
        self._targets = [self._folder / f"channel-{number}.au" for number in range(channels)]
        for target in self._targets:
            target.write_bytes(HEADER)


def _unfit(what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"channels=separate is for recordings with a speaker on each of 2 to {MAX_CHANNELS} channels; "
        f"this is one {what}. Send it with channels=mix.",
        param="channels",
    )


def read_channel(path: Path, span: Span) -> Audio:
    """The samples of `span` in a file of the splitter's."""
    offset = len(HEADER) + span.start * BYTES_PER_SAMPLE
    pcm = np.fromfile(path, ">i2", count=span.num_samples, offset=offset)
    return as_audio(pcm)


def loudness(samples: Samples) -> float:
    """Root mean square; 0 where there are none."""
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
