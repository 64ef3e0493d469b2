"""Files with pips at known times, muxed frame by frame so that their times can be set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

from models import SAMPLE_RATE
from tests.decoding.encoded_audio import add_pictures
from utils.decoding.blocks import decoded_blocks

RATE = 48_000
LENGTH = 12  # seconds
PIPS = (0.5, 1.7, 3.1, 4.9, 5.5, 6.8, 8.0, 9.6, 10.2, 11.3)  # seconds
FRAME = 960  # samples, 20 ms: what Opus takes

Pcm = npt.NDArray[np.int16]
Shift = Callable[[float], float]
"""The presentation time of what was recorded at a time."""


def pips(at: Sequence[float] = PIPS, length: float = LENGTH) -> Pcm:
    """Silence with 60 ms of 1 kHz at each time."""
    sound = np.zeros(round(length * RATE), np.int16)
    pip = (12_000 * np.sin(2 * np.pi * 1000 / RATE * np.arange(RATE * 60 // 1000))).astype(np.int16)
    for time in at:
        start = round(time * RATE)
        sound[start : start + len(pip)] = pip
    return sound


def mux(path: Path, codec: str, shift: Shift = lambda time: time, film: str = "") -> Path:
    """`film` is the codec of a picture a second."""
    with av.open(path, "w") as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=RATE, layout="mono"))
        if film:
            add_pictures(container, film, "yuv420p", count=LENGTH)
        sound = pips()
        for start in range(0, len(sound), FRAME):
            frame = av.AudioFrame.from_ndarray(sound[None, start : start + FRAME], "s16", "mono")
            frame.sample_rate = RATE
            frame.pts = round(shift(start / RATE) * RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def heard(path: Path) -> npt.NDArray[np.float64]:
    """When pips begin, in seconds."""
    samples = np.abs(np.concatenate(list(decoded_blocks(path)), axis=1)[0].astype(np.float32))
    loud = np.flatnonzero(samples > 3000) / SAMPLE_RATE
    return loud[np.diff(loud, prepend=-1) > 0.2]
