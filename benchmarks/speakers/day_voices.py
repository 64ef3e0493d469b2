"""Synthetic speaker embeddings, redrawn for every chunk, and the consistency of labels over a day."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from benchmarks.values import Turn
from models import SAMPLE_RATE, ChunkSpeakers, Embedding, Span, SpeakerTurn, Voice
from utils.speakers.activity import speaking_time
from utils.speakers.embedding import pack

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

DIMENSIONS = 192
# Fitted to CAM++ on 13 speakers of the conversations: the cosine similarity of 1.5 s of a speaker to the rest
# of their speech is 0.74, of 4.5 s 0.87, of 8.5 s 0.91; of two speakers 0.1, and 0.35 at the 99th percentile.
SHARED = 0.4  # weight of a component that all speakers share
NOISE = 0.36  # limit for long speech
DOUBLE_NOISE_SECONDS = 2.3  # speech at which the noise is twice that
FRAMES_PER_SECOND = 10  # of the activity matrix
MAX_SECONDS = 25 * 3600


def chunk_speakers(turns: Sequence[Turn], heard: Span) -> ChunkSpeakers:
    """Reference `turns` as a diarizer returns them for a chunk that processes `heard`, in arbitrary order."""
    names = sorted({turn.speaker for turn in turns}, key=lambda name: crc32(f"{name}{heard.start}".encode()))
    numbers = {name: number for number, name in enumerate(names)}
    clipped = tuple(
        SpeakerTurn(
            max(round(turn.start * SAMPLE_RATE), heard.start),
            min(round(turn.end * SAMPLE_RATE), heard.stop),
            numbers[turn.speaker],
        )
        for turn in turns
    )
    spoken = speaking_time(clipped)
    voices = (
        Voice(number, spoken[number], _noisy_embedding(name, spoken[number], heard))
        for name, number in numbers.items()
        if spoken[number]
    )
    return ChunkSpeakers(tuple(turn for turn in clipped if spoken[turn.speaker]), tuple(voices))


def label_consistency(labelled: Sequence[Turn], turns: Sequence[Turn]) -> float:
    """The share of all speaking time in which speakers have their own label, under the best one-to-one
    mapping of labels to speakers for the whole recording."""
    speakers, labels = _activity(turns), _activity(labelled)
    shared = speakers @ labels.T
    return float(shared[linear_sum_assignment(shared, maximize=True)].sum() / speakers.sum())


def _activity(turns: Sequence[Turn]) -> Matrix:
    """(speakers, frames), 1 where a speaker is active."""
    numbers = {name: number for number, name in enumerate(sorted({turn.speaker for turn in turns}))}
    active = np.zeros((len(numbers), FRAMES_PER_SECOND * MAX_SECONDS), np.float32)
    for turn in turns:
        active[
            numbers[turn.speaker], round(turn.start * FRAMES_PER_SECOND) : round(turn.end * FRAMES_PER_SECOND)
        ] = 1
    return active


def _noisy_embedding(name: str, num_samples: int, heard: Span) -> Embedding:
    voice = _unit_vector(name) + SHARED * _unit_vector("everybody")
    noise = NOISE * (1 + DOUBLE_NOISE_SECONDS * SAMPLE_RATE / num_samples) if num_samples else NOISE
    return pack(voice / np.linalg.norm(voice) + noise * _unit_vector(f"{name} in {heard.start}"))


def _unit_vector(name: str) -> Vector:
    """A random unit vector, always the same for `name`."""
    vector = np.random.default_rng(crc32(name.encode())).standard_normal(DIMENSIONS)
    return np.asarray(vector / np.linalg.norm(vector))
