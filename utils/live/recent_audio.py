"""The recent part of a live stream, in memory: its audio and how likely each frame of it is speech."""

from __future__ import annotations

from array import array

import numpy as np

from models import Audio, Span, seconds
from utils.audio_utils import BYTES_PER_SAMPLE, as_audio
from utils.live.pcm import Pcm
from utils.speech.speech_map import FRAME, Probabilities, SpeechMap

WORTHWHILE = seconds(1)


class RecentAudio:
    """Samples from `start` to `stop`, counted from the start of the stream. Threads of models may read while
    the stream goes on: what is kept is only appended to, and replaced as a whole when some is forgotten."""

    def __init__(self) -> None:
        self._kept = (0, bytearray())  # the first sample, and the audio from there

    @property
    def start(self) -> int:
        return self._kept[0]

    @property
    def stop(self) -> int:
        start, pcm = self._kept
        return start + len(pcm) // BYTES_PER_SAMPLE

    def append(self, samples: Pcm) -> None:
        self._kept[1].extend(samples.astype("<i2").tobytes())

    def read(self, span: Span) -> Audio:
        """The samples of `span`, fewer if the stream has not come so far. Raises ValueError for what is
        forgotten."""
        start, pcm = self._kept
        if span.start < start:
            raise ValueError(f"{span} is forgotten: the stream is kept from {start}")
        first, last = (BYTES_PER_SAMPLE * (sample - start) for sample in (span.start, span.stop))
        return as_audio(np.frombuffer(bytes(pcm[first:last]), "<i2"))

    def read_padded(self, span: Span) -> Audio:
        """The same, with silence in place of what is forgotten."""
        kept = max(span.start, min(self.start, span.stop))
        heard = self.read(Span(kept, span.stop)) if kept < span.stop else np.empty(0, np.float32)
        return np.pad(heard, (kept - span.start, 0))

    def forget(self, before: int) -> None:
        """Drop samples before `before`, all or, since that copies the rest, most of them."""
        start, pcm = self._kept
        before = min(before, self.stop)
        if before - start >= WORTHWHILE:
            self._kept = before, pcm[BYTES_PER_SAMPLE * (before - start) :]


class RecentSpeech:
    """Speech probabilities of the frames of a stream."""

    def __init__(self) -> None:
        self._first = 0  # frame
        self._found = array("f")

    @property
    def stop(self) -> int:
        """The sample up to which the stream is judged."""
        return (self._first + len(self._found)) * FRAME

    def append(self, probabilities: Probabilities) -> None:
        self._found.extend(probabilities.tolist())

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
