"""Where speech sets in after a pause, by energy, and which word a transcript has there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from benchmarks.values import Message

HOP = 0.01  # seconds from one frame to the next; a frame is as long
SHORTEST_PAUSE = 0.3  # seconds
SHORTEST_SPEECH = 0.05  # seconds; what is shorter is a click inside the pause
ABOVE_NOISE = 12.0  # dB over the quietest tenth of the frames
BELOW_SPEECH = 30.0  # dB under the loudest twentieth
FAINTEST = -90.0  # dB; digital silence


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech begins at `time` after silence since `pause`, in seconds."""

    pause: float
    time: float


def find_onsets(samples: npt.NDArray[np.float32], rate: int) -> list[Onset]:
    """Ends of the pauses of `SHORTEST_PAUSE` and more, but for the one that the recording begins with."""
    loud = _without_clicks(loud_frames(samples, round(rate * HOP)))
    onsets, at = [], 0
    for is_loud, count in _runs(loud):
        if not is_loud and at > 0 and count * HOP >= SHORTEST_PAUSE and at + count < len(loud):
            onsets.append(Onset(at * HOP, (at + count) * HOP))
        at += count
    return onsets


def start_errors(onsets: Sequence[Onset], words: Sequence[Message]) -> list[float | None]:
    """Start of the first word after each pause, less the onset, in seconds.

    The nearest start would flatter, for a wrong word may begin near. The word is the first whose middle
    lies behind the pause's; None where there is none, or where the word before it lasts into the pause's
    second half, so that the transcript does not know the pause.
    """
    return [_start_error(onset, words) for onset in onsets]


def _start_error(onset: Onset, words: Sequence[Message]) -> float | None:
    middle = (onset.pause + onset.time) / 2
    index = next((i for i, word in enumerate(words) if word["start"] + word["end"] > 2 * middle), None)
    if index is None or (index > 0 and words[index - 1]["end"] > middle):
        return None
    return float(words[index]["start"]) - onset.time


def loud_frames(samples: npt.NDArray[np.float32], hop: int) -> npt.NDArray[np.bool_]:
    """Whether there is sound in each frame of `hop` samples."""
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    levels = 10 * np.log10(np.maximum(power, 10 ** (FAINTEST / 10)))
    if not len(levels):
        return np.zeros(0, dtype=bool)
    noise, speech = np.percentile(levels, [10, 95])
    return np.asarray(levels > max(noise + ABOVE_NOISE, speech - BELOW_SPEECH))


def _without_clicks(loud: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    kept = [np.full(count, is_loud and count * HOP >= SHORTEST_SPEECH) for is_loud, count in _runs(loud)]
    return np.concatenate(kept) if kept else loud


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[bool, int]]:
    """The values in order, each with how often it stands in a row."""
    return [(value, len(list(alike))) for value, alike in groupby(flags.tolist())]
