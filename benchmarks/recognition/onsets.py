"""Energy-based speech onsets after pauses, and how far a transcript's words start from them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from benchmarks.values import Message

HOP = 0.01  # seconds; frame step and frame length
MIN_PAUSE = 0.3  # seconds
MIN_SPEECH = 0.05  # seconds; anything shorter is a click within the pause
ABOVE_NOISE = 12.0  # dB above the 10th percentile of the frames' levels
BELOW_SPEECH = 30.0  # dB below the 95th percentile
MIN_LEVEL = -90.0  # dB; digital silence


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech starts at `time`, after a pause that starts at `pause`; in seconds."""

    pause: float
    time: float


def find_onsets(samples: npt.NDArray[np.float32], rate: int) -> list[Onset]:
    """Speech onsets after pauses of at least `MIN_PAUSE`, except a pause at the recording's start."""
    loud = _without_clicks(loud_frames(samples, round(rate * HOP)))
    onsets, at = [], 0
    for is_loud, count in _runs(loud):
        if not is_loud and at > 0 and count * HOP >= MIN_PAUSE and at + count < len(loud):
            onsets.append(Onset(at * HOP, (at + count) * HOP))
        at += count
    return onsets


def start_errors(onsets: Sequence[Onset], words: Sequence[Message]) -> list[float | None]:
    """Start of the first word after each pause minus the onset, in seconds.

    That word is the first whose midpoint lies after the pause's; the nearest start would be too favourable,
    as it may be that of a wrong word. None if there is no such word, or if the previous word extends into the
    second half of the pause, which the transcript then misses.
    """
    return [_start_error(onset, words) for onset in onsets]


def _start_error(onset: Onset, words: Sequence[Message]) -> float | None:
    middle = (onset.pause + onset.time) / 2
    index = next((i for i, word in enumerate(words) if word["start"] + word["end"] > 2 * middle), None)
    if index is None or (index > 0 and words[index - 1]["end"] > middle):
        return None
    return float(words[index]["start"]) - onset.time


def loud_frames(
    samples: npt.NDArray[np.float32], hop: int, *, always: float = -math.inf
) -> npt.NDArray[np.bool_]:
    """Whether each frame of `hop` samples is above the energy threshold, which is at most `always` dB below
    the 95th percentile: what has no pause shows no noise."""
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    levels = 10 * np.log10(np.maximum(power, 10 ** (MIN_LEVEL / 10)))
    if not len(levels):
        return np.zeros(0, dtype=bool)
    noise, speech = np.percentile(levels, [10, 95])
    threshold = max(noise + ABOVE_NOISE, speech - BELOW_SPEECH)
    return np.asarray(levels > max(MIN_LEVEL, min(threshold, speech - always)))


def _without_clicks(loud: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    runs = [np.full(count, is_loud and count * HOP >= MIN_SPEECH) for is_loud, count in _runs(loud)]
    return np.concatenate(runs) if runs else loud


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[bool, int]]:
    """Run-length encoding: each value with the number of its repetitions."""
    return [(value, len(list(run))) for value, run in groupby(flags.tolist())]
