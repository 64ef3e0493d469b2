"""Matches known voices to the speakers of a recording. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from models import ChunkSpeakers, Embedding, KnownVoices
from utils.speakers.embedding import pack, unpack

EPSILON = 1e-9  # a pair exactly at the threshold counts too


def mean_speakers(
    chunks: Sequence[ChunkSpeakers], numbers: Sequence[Mapping[int, int]]
) -> dict[int, Embedding]:
    """The embedding of every speaker of the recording: the mean over the chunks, weighted by speech.

    `numbers` maps, for each chunk, its speakers to speakers of the recording.
    """
    parts: defaultdict[int, list[tuple[Embedding, int]]] = defaultdict(list)
    for chunk, number in zip(chunks, numbers, strict=True):
        for voice in chunk.voices:
            parts[number[voice.speaker]].append((voice.embedding, voice.num_samples))
    return {speaker: mean_voice(found) for speaker, found in sorted(parts.items())}


def mean_voice(parts: Sequence[tuple[Embedding, int]]) -> Embedding:
    """The mean of several embeddings of one voice, weighted by their samples of speech."""
    weights = np.array([max(num_samples, 1) for _, num_samples in parts], np.float64)
    return pack(weights @ unpack(embedding for embedding, _ in parts))


def match_voices(speakers: Mapping[int, Embedding], known: KnownVoices) -> dict[int, str]:
    """Names of speakers: at most one per speaker, each used at most once, none below the threshold.

    Maximises the total by which cosine similarities exceed the threshold (Kuhn 1955).
    """
    if not (speakers and known.voices):
        return {}
    from scipy.optimize import linear_sum_assignment  # too slow for the start of the server

    similarity = unpack(speakers.values()) @ unpack(voice.embedding for voice in known.voices).T
    excess = np.where(similarity >= known.threshold, similarity - known.threshold + EPSILON, 0.0)
    numbers = list(speakers)
    pairs = zip(*linear_sum_assignment(excess, maximize=True), strict=True)
    return {numbers[row]: known.voices[column].name for row, column in pairs if excess[row, column] > 0}
