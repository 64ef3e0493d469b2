"""The recent part of a live stream, in memory: its audio and how likely each frame of it is speech."""

from __future__ import annotations

import numpy as np

from models import Audio, Span
from utils.audio_utils import BYTES_PER_SAMPLE, as_audio
from utils.live.pcm import Pcm
from utils.speech.speech_map import FRAME, Probabilities, SpeechMap


class RecentAudio:
    """Samples from `start` to `stop`, counted from the start of the stream. Each method is one operation on
    the buffer under the interpreter's lock, so that model threads may read while the stream goes on."""

    def __init__(self) -> None:
        self.start = 0
        self._pcm = bytearray()

    @property
    def stop(self) -> int:
        return self.start + len(self._pcm) // BYTES_PER_SAMPLE

    def append(self, samples: Pcm) -> None:
        self._pcm += samples.astype("<i2").tobytes()

    def read(self, span: Span) -> Audio:
        """The samples of `span`, which must not be forgotten; fewer if the stream has not come so far."""
        first, last = (BYTES_PER_SAMPLE * (sample - self.start) for sample in (span.start, span.stop))
        if first < 0:
            raise ValueError(f"{span} is forgotten: the stream is kept from {self.start}")
        return as_audio(np.frombuffer(bytes(self._pcm[first:last]), "<i2"))

    def forget(self, before: int) -> None:
        """Drop all samples before `before`."""
        if before > self.start:
            before = min(before, self.stop)
            del self._pcm[: BYTES_PER_SAMPLE * (before - self.start)]
            self.start = before


class RecentSpeech:
    """Speech probabilities of the frames of a stream."""

    def __init__(self) -> None:
        self._first = 0  # frame
        self._found: list[float] = []

    @property
    def stop(self) -> int:
        """The sample up to which the stream is judged."""
        return (self._first + len(self._found)) * FRAME

    def append(self, probabilities: Probabilities) -> None:
        self._found += probabilities.tolist()

    def over(self, span: Span) -> SpeechMap:
        """Of the frames that `span` touches, as far as they are judged and not forgotten."""
        first = max(span.start // FRAME, self._first)
        last = max(first, min(-(-span.stop // FRAME), self._first + len(self._found)))
        found = np.array(self._found[first - self._first : last - self._first], np.float32)
        return SpeechMap(first * FRAME, (last - first) * FRAME, found)

    def forget(self, before: int) -> None:
        """Drop the frames that end before the sample `before`."""
        number = min(max(0, before // FRAME - self._first), len(self._found))
        del self._found[:number]
        self._first += number
