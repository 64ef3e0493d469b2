"""Output of a segmentation network over overlapping windows: which of up to three local speakers talk in each
frame. Local speakers of one window are unrelated to those of the next. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Span
from utils.speech.speech_map import SpeechMap

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

FRAME = 270  # samples from one frame of the network to the next
FRAME_CENTRE = 495  # samples from the start of a window to the centre of its first frame
WINDOW = 10 * SAMPLE_RATE
WINDOW_FRAMES = 589
# The local speakers who talk, for each class of the network.
CLASSES = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.bool_
)
# Weight of the detector's speech probability against the network's, and the weighted mean from which a frame
# is speech. The detector separates pauses from voices, the network distant voices from noise; either one
# suffices when confident.
DETECTOR_WEIGHT = 0.6
SPEECH = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class LocalSpeakers:
    """Windows that start at frames `starts` of a chunk that begins at sample `origin`.

    `talks` (windows, frames, seats): whether a local speaker talks; `number` and `speech` (frames of the
    chunk,): the mean number of speakers over the windows, and the mean speech probability, to which the
    speech detector contributes.
    """

    origin: int
    starts: npt.NDArray[np.int64]
    talks: Flags
    speech: Floats
    number: Floats

    @property
    def alone(self) -> Flags:
        """(windows, frames, seats): whether a local speaker is the only one who talks."""
        return np.asarray(self.talks & (self.talks.sum(axis=2, keepdims=True) == 1))

    def sample(self, frame: int) -> int:
        """The sample of the recording at the centre of a frame."""
        return self.origin + FRAME_CENTRE + frame * FRAME

    def span(self, first: int, last: int) -> Span:
        """The samples of the frames `[first, last)`."""
        return Span(self.sample(first) - FRAME // 2, self.sample(last) - FRAME // 2)


def combine_windows(
    heard: Span, starts: Sequence[int], classes: Floats, detected: SpeechMap
) -> LocalSpeakers:
    """`classes` (n, frames, 7) are the probabilities of `CLASSES` in each window."""
    first = (np.array(starts, dtype=np.int64) - heard.start) // FRAME
    frames = max((heard.num_samples - FRAME_CENTRE) // FRAME + 1, 1)
    talks = CLASSES[classes.argmax(axis=2)]
    speech = average(1 - classes[..., :1], first, frames)[:, 0]
    number = average(talks.sum(axis=2, keepdims=True), first, frames)[:, 0]
    centres = heard.start + FRAME_CENTRE + FRAME * np.arange(frames)
    speech += DETECTOR_WEIGHT * (detected.at(centres) - speech)
    return LocalSpeakers(heard.start, first, talks, speech, number)


def average(rows: npt.NDArray[np.generic], starts: npt.NDArray[np.int64], frames: int) -> Floats:
    """(frames, d) mean of (windows, WINDOW_FRAMES, d) over the windows that cover a frame, weighted towards
    the middle of each; zero where none does."""
    taper = np.hamming(WINDOW_FRAMES).astype(np.float32)[:, None]
    total = np.zeros((frames, rows.shape[2]), np.float32)
    weight = np.zeros((frames, 1), np.float32)
    for row, start in zip(rows, starts.tolist(), strict=True):
        length = min(WINDOW_FRAMES, frames - start)
        total[start : start + length] += (taper * row)[:length]
        weight[start : start + length] += taper[:length]
    return np.asarray(total / np.maximum(weight, 1e-9), np.float32)


def true_runs(flags: Flags) -> list[tuple[int, int]]:
    """Half-open frame ranges of consecutive set flags."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
