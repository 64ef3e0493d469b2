"""Where a recording sounds, its level, and cutting it at pauses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmarks.recognition.onsets import HOP, loud_frames
from benchmarks.recognition.timed_speech import SpokenWord
from models import SAMPLE_RATE, Audio

FRAME = round(SAMPLE_RATE * HOP)
MIN_PAUSE = 0.3  # seconds; shorter silences are part of a turn
MIN_SOUND = 0.05  # seconds; anything shorter is a click
MIN_CUT = 0.2  # seconds of silence within which an utterance is cut
ALWAYS_SOUND = 20.0  # dB below the loudest; sources are cleaner than that
MARGIN = 0.03  # seconds kept around the sound
MAX_STRADDLE = 0.06  # seconds by which a word may extend over a cut

Stretch = tuple[float, float]
"""Start and end in seconds."""


def sounding(samples: Audio, min_pause: float = MIN_PAUSE) -> list[Stretch]:
    """Stretches above the noise, those less than `min_pause` seconds apart joined."""
    padded = np.concatenate(([False], _loud(samples), [False]))
    edges = np.flatnonzero(np.diff(padded.astype(np.int8))).reshape(-1, 2) * HOP
    joined: list[Stretch] = []
    for start, end in edges.tolist():
        if end - start < MIN_SOUND:
            continue
        if joined and start - joined[-1][1] < min_pause:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def trim(samples: Audio) -> Audio:
    """From the first sound to the last, with a short margin; nothing if there is no sound."""
    stretches = sounding(samples)
    if not stretches:
        return samples[:0]
    first = round(max(0.0, stretches[0][0] - MARGIN) * SAMPLE_RATE)
    return samples[first : round((stretches[-1][1] + MARGIN) * SAMPLE_RATE)]


def level(samples: Audio) -> float:
    """Root mean square of the loud frames, in dB of full scale."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = frames[_loud(samples)]
    return float(10 * np.log10(np.mean(np.square(loud, dtype=np.float64)))) if len(loud) else -np.inf


def at_level(samples: Audio, decibels: float) -> Audio:
    """Scaled so that the loud frames are at `decibels` of full scale."""
    return np.asarray(samples * 10 ** ((decibels - level(samples)) / 20), np.float32)


def cut_at_pauses(samples: Audio, words: Sequence[SpokenWord] | None) -> list[tuple[str | None, Audio]]:
    """The parts between pauses, with the text of each; None for all texts if `words` is None. A pause within
    which a word lies, by the given times, is no cut."""
    middles = [(before[1] + after[0]) / 2 for before, after in pairwise(sounding(samples, MIN_CUT))]
    if words is not None:
        middles = [middle for middle in middles if not _within_word(middle, words)]
    bounds = [0.0, *middles, len(samples) / SAMPLE_RATE]
    parts: list[tuple[str | None, Audio]] = []
    for start, end in pairwise(bounds):
        part = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        text = None if words is None else _text_between(start, end, words)
        if text == "":  # breath, or a word timed wrongly: rather no cut here
            return [(" ".join(word.text for word in words or ()), samples)]
        parts.append((text, part))
    return parts


def _loud(samples: Audio) -> npt.NDArray[np.bool_]:
    return loud_frames(samples, FRAME, always=ALWAYS_SOUND)


def _within_word(time: float, words: Sequence[SpokenWord]) -> bool:
    return any(word.start + MAX_STRADDLE < time < word.stop - MAX_STRADDLE for word in words)


def _text_between(start: float, end: float, words: Sequence[SpokenWord]) -> str:
    return " ".join(word.text for word in words if start <= (word.start + word.stop) / 2 < end)
