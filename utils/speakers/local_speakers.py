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
# Weight of the detector's speech probability against the network's, and the weighted mean from which voices
# are sampled. The detector separates pauses from voices, the network voices from noise: where it hears
# nobody, the detector, which may listen to raised sound, counts no more than the network.
DETECTOR_WEIGHT = 0.6
SPEECH = 0.35
# Weights of the network, the detector and the level above the noise, and their sum from which someone talks.
# Only the level tells a pause that the network bridges from a voice that the detector misses.
TALK_WEIGHTS = (0.44, 0.37, 0.19)
TALK = 0.42
SMOOTHING = 19  # frames (0.3 s) over which the detector is averaged for it: it wavers within words
LEVEL_RANGE = 20.0  # dB above the noise from which a frame counts in full
NOISE_SHARE = 0.1  # share of the frames of a window, the quietest, that are its noise


@dataclass(frozen=True, slots=True, eq=False)
class HeardWindows:
    """Windows that start at samples `starts`: `classes` (n, frames, 7) are the probabilities of `CLASSES`,
    `levels` (n, frames) those of `window_levels`."""

    starts: Sequence[int]
    classes: Floats
    levels: Floats

    @classmethod
    def joined(cls, parts: Sequence[HeardWindows]) -> HeardWindows:
        return cls(
            [start for part in parts for start in part.starts],
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.levels for part in parts]),
        )

    def since(self, first: int) -> HeardWindows:
        """Without the windows before number `first`."""
        return HeardWindows(self.starts[first:], self.classes[first:].copy(), self.levels[first:].copy())


@dataclass(frozen=True, slots=True, eq=False)
class LocalSpeakers:
    """Windows that start at frames `starts` of a chunk that begins at sample `origin`.

    `talks` (windows, frames, seats): whether a local speaker talks; `number` (frames of the chunk,): the mean
    number of speakers over the windows; `speech` and `talk` (frames of the chunk,): how surely a voice can be
    sampled, and whether anyone talks at all, with the speech detector as the second witness.
    """

    origin: int
    starts: npt.NDArray[np.int64]
    talks: Flags
    speech: Floats
    talk: Flags
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


def window_levels(windows: Floats) -> Floats:
    """(n, WINDOW_FRAMES) level of each frame of (n, WINDOW) samples above the noise of its window, from 0 to
    1 at `LEVEL_RANGE`; the same at any gain. Digital silence, as in the padding of a window, is no noise."""
    first = FRAME_CENTRE - FRAME * 3 // 2
    steps = windows[:, first : first + FRAME * (WINDOW_FRAMES + 2)].reshape(len(windows), -1, FRAME)
    power = np.square(steps).mean(axis=2)
    power = power[:, :-2] + power[:, 1:-1] + power[:, 2:]
    levels = np.zeros(power.shape, np.float32)
    for row, sound in zip(levels, power, strict=True):
        heard = sound > 0
        if heard.any():
            decibels = 10 * np.log10(sound[heard])
            row[heard] = np.clip((decibels - np.quantile(decibels, NOISE_SHARE)) / LEVEL_RANGE, 0, 1)
    return levels


def combine_windows(heard: Span, windows: HeardWindows, detected: SpeechMap) -> LocalSpeakers:
    first = (np.array(windows.starts, dtype=np.int64) - heard.start) // FRAME
    frames = max((heard.num_samples - FRAME_CENTRE) // FRAME + 1, 1)
    talks = CLASSES[windows.classes.argmax(axis=2)]
    voice = average(1 - windows.classes[..., :1], first, frames)[:, 0]
    number = average(talks.sum(axis=2, keepdims=True), first, frames)[:, 0]
    level = average(windows.levels[..., None], first, frames)[:, 0]
    detector = detected.at(heard.start + FRAME_CENTRE + FRAME * np.arange(frames))
    talk = np.array(TALK_WEIGHTS) @ [voice, _smoothed(detector), level] > TALK
    speech = voice + DETECTOR_WEIGHT * np.minimum(detector - voice, 0)
    return LocalSpeakers(heard.start, first, talks, speech, talk, number)


def _smoothed(values: Floats) -> Floats:
    padded = np.pad(values, SMOOTHING // 2, mode="edge")
    return np.asarray(np.convolve(padded, np.full(SMOOTHING, 1 / SMOOTHING), mode="valid"), np.float32)


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
