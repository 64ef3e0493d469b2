"""Known voices to speakers of a recording. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from models import ChunkSpeakers, Embedding, KnownVoices

EPSILON = 1e-9  # a pair exactly at the threshold counts too


def mean_speakers(
    chunks: Sequence[ChunkSpeakers], numbers: Sequence[Mapping[int, int]]
) -> dict[int, Embedding]:
    """The voice of every speaker of the recording: the mean over the chunks, weighted by speech.

    `numbers` has, for each chunk, its speakers as speakers of the recording.
    """
    sums: dict[int, npt.NDArray[np.float64]] = {}
    for chunk, number in zip(chunks, numbers, strict=True):
        for voice in chunk.voices:
            row = max(voice.num_samples, 1) * np.array(voice.embedding)
            sums[number[voice.speaker]] = sums.get(number[voice.speaker], 0.0) + row
    return {
        speaker: tuple((row / max(float(np.linalg.norm(row)), 1e-9)).tolist())
        for speaker, row in sorted(sums.items())
    }


def match_voices(speakers: Mapping[int, Embedding], known: KnownVoices) -> dict[int, str]:
    """The names that speakers take: one name a speaker, one speaker a name, none under the threshold.

    Of all such pairings the one whose cosines exceed the threshold by most in sum (Kuhn 1955).
    """
    if not (speakers and known.voices):
        return {}
    voices = np.array(list(speakers.values()))
    likeness = voices @ np.array([voice.embedding for voice in known.voices]).T
    excess = np.where(likeness >= known.threshold, likeness - known.threshold + EPSILON, 0.0)
    numbers = list(speakers)
    pairs = zip(*linear_sum_assignment(excess, maximize=True), strict=True)
    return {numbers[row]: known.voices[column].name for row, column in pairs if excess[row, column] > 0}
