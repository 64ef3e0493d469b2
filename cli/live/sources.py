"""Where live sound comes from: iterators of signed 16-bit mono samples, which block until there is some."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import av

from exceptions import InvalidAudioError
from utils.decoding.container import opened

RATE = 24_000
PIECES_PER_SECOND = 10
BYTES_PER_SAMPLE = 2


def standard_input(rate: int) -> Iterator[bytes]:
    """`os.read`, since a thread that waits in `sys.stdin` keeps the program from ending."""
    while piece := os.read(0, rate * BYTES_PER_SAMPLE // PIECES_PER_SECOND):
        yield piece


def microphone(sounddevice: ModuleType) -> Iterator[bytes]:
    with sounddevice.RawInputStream(samplerate=RATE, channels=1, dtype="int16") as stream:
        while True:
            samples, _ = stream.read(RATE // PIECES_PER_SECOND)
            yield bytes(samples)


def played(path: Path) -> Iterator[bytes]:
    """A file at the speed of its sound. Raises InvalidAudioError."""
    began = time.monotonic()
    sent = 0
    for piece in decoded(path):
        time.sleep(max(0.0, began + sent / (RATE * BYTES_PER_SAMPLE) - time.monotonic()))
        yield piece
        sent += len(piece)


def decoded(path: Path) -> Iterator[bytes]:
    """Pieces of at most a tenth of a second."""
    resampler = av.AudioResampler(
        format="s16", layout="mono", rate=RATE, frame_size=RATE // PIECES_PER_SECOND
    )
    with path.open("rb") as file, opened(file) as container:
        if not container.streams.audio:
            raise InvalidAudioError(f"{path} has no sound.")
        for frame in container.decode(audio=0):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray().tobytes()
        for resampled in resampler.resample(None):
            yield resampled.to_ndarray().tobytes()
