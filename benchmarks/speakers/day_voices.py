"""Voices of made-up people, heard anew in every chunk, and how well their labels last a day."""

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
Rows = npt.NDArray[np.float32]

DIMENSIONS = 192
# As CAM++ hears 13 people of the conversations: 1.5 s of one and the rest of the same have a cosine of 0.74,
# 4.5 s 0.87, 8.5 s 0.91; two people 0.1, and 0.35 at the 99th percentile.
IN_COMMON = 0.4
NOISE = 0.36  # of a long turn
SECONDS_OF_NOISE = 2.3  # speech that is as much worse again
MOMENTS = 10  # a second, at which it is looked who speaks
SECONDS_OF_DAY = 25 * 3600


def chunk_speakers(turns: Sequence[Turn], heard: Span) -> ChunkSpeakers:
    """Real `turns` as a diarizer gives them for the chunk that hears `heard`, numbered in any order."""
    names = sorted({turn.speaker for turn in turns}, key=lambda name: crc32(f"{name}{heard.start}".encode()))
    numbers = {name: number for number, name in enumerate(names)}
    drawn = tuple(
        SpeakerTurn(
            max(round(turn.start * SAMPLE_RATE), heard.start),
            min(round(turn.end * SAMPLE_RATE), heard.stop),
            numbers[turn.speaker],
        )
        for turn in turns
    )
    spoken = speaking_time(drawn)
    voices = (
        Voice(number, spoken[number], _heard_voice(name, spoken[number], heard))
        for name, number in numbers.items()
        if spoken[number]
    )
    return ChunkSpeakers(tuple(turn for turn in drawn if spoken[turn.speaker]), tuple(voices))


def steadiness(labelled: Sequence[Turn], turns: Sequence[Turn]) -> float:
    """The share of all speaking time in which people have the one label that is theirs all day, of all
    ways to give each a label of its own the best."""
    people, labels = _activity(turns), _activity(labelled)
    shared = people @ labels.T
    return float(shared[linear_sum_assignment(shared, maximize=True)].sum() / people.sum())


def _activity(turns: Sequence[Turn]) -> Rows:
    """(speakers, moments) 1 where somebody speaks."""
    numbers = {name: number for number, name in enumerate(sorted({turn.speaker for turn in turns}))}
    active = np.zeros((len(numbers), MOMENTS * SECONDS_OF_DAY), np.float32)
    for turn in turns:
        active[numbers[turn.speaker], round(turn.start * MOMENTS) : round(turn.end * MOMENTS)] = 1
    return active


def _heard_voice(name: str, num_samples: int, heard: Span) -> Embedding:
    person = _direction(name) + IN_COMMON * _direction("everybody")
    noise = NOISE * (1 + SECONDS_OF_NOISE * SAMPLE_RATE / num_samples) if num_samples else NOISE
    return pack(person / np.linalg.norm(person) + noise * _direction(f"{name} in {heard.start}"))


def _direction(name: str) -> Vector:
    """A unit vector, the same for the same name."""
    vector = np.random.default_rng(crc32(name.encode())).standard_normal(DIMENSIONS)
    return np.asarray(vector / np.linalg.norm(vector))
