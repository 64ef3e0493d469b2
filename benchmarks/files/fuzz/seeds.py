"""Good files to start from: each pair once with tags and once shorter and, where it can be, in stereo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.files.encoding import Pcm, encode, read_speech
from benchmarks.files.handmade import handmade
from benchmarks.files.pairs import SPECIAL, Pair, sound_pairs
from models import SAMPLE_RATE

LONG, SHORT = slice(SAMPLE_RATE // 2, 2 * SAMPLE_RATE), slice(4 * SAMPLE_RATE, 4 * SAMPLE_RATE + 8000)
TAGS = {"title": "Für Elise", "artist": "Köln", "comment": "no comment"}
LONG_REPEATS = 6  # of the speech
LONG_PAIRS = (Pair("wav", "pcm_s16le", 48_000, "stereo"), Pair("ipod", "aac", 48_000, "stereo"))


@dataclass(frozen=True, slots=True)
class Seed:
    pair: str
    data: bytes


def seeds() -> list[Seed]:
    """Always the same, in the same order."""
    return list(_seeds(read_speech()))


def _seeds(speech: Pcm) -> Iterator[Seed]:
    for pair in sound_pairs() + SPECIAL:
        yield Seed(pair.name, encode(speech[LONG], pair, tags=TAGS))
        yield Seed(pair.name, encode(speech[SHORT], pair.widest))
    for name, data in handmade(speech[LONG]).items():
        yield Seed(name, data)


def long_files() -> list[bytes]:
    """Ordinary recordings of over a minute."""
    speech = np.tile(read_speech(), LONG_REPEATS)
    return [encode(speech, pair) for pair in LONG_PAIRS]
