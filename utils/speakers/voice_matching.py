"""Known voices to speakers of a recording. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from models import ChunkSpeakers, Embedding, KnownVoices
from utils.speakers.embedding import pack, unpack

EPSILON = 1e-9  # a pair exactly at the threshold counts too


def mean_speakers(
    chunks: Sequence[ChunkSpeakers], numbers: Sequence[Mapping[int, int]]
) -> dict[int, Embedding]:
    """The voice of every speaker of the recording: the mean over the chunks, weighted by speech.

    `numbers` has, for each chunk, its speakers as speakers of the recording.
    """
    parts: defaultdict[int, list[tuple[Embedding, int]]] = defaultdict(list)
    for chunk, number in zip(chunks, numbers, strict=True):
        for voice in chunk.voices:
            parts[number[voice.speaker]].append((voice.embedding, voice.num_samples))
    return {speaker: mean_voice(heard) for speaker, heard in sorted(parts.items())}


def mean_voice(parts: Sequence[tuple[Embedding, int]]) -> Embedding:
    """The mean of one voice heard several times, each with its samples of speech."""
    weights = np.array([max(num_samples, 1) for _, num_samples in parts], np.float64)
    return pack(weights @ unpack(embedding for embedding, _ in parts))


def match_voices(speakers: Mapping[int, Embedding], known: KnownVoices) -> dict[int, str]:
    """The names that speakers take: one name a speaker, one speaker a name, none under the threshold.

    Of all such pairings the one whose cosines exceed the threshold by most in sum (Kuhn 1955).
    """
    if not (speakers and known.voices):
        return {}
    likeness = unpack(speakers.values()) @ unpack(voice.embedding for voice in known.voices).T
    excess = np.where(likeness >= known.threshold, likeness - known.threshold + EPSILON, 0.0)
    numbers = list(speakers)
    pairs = zip(*linear_sum_assignment(excess, maximize=True), strict=True)
    return {numbers[row]: known.voices[column].name for row, column in pairs if excess[row, column] > 0}
