"""The good files that are decoded, with what is known of their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np

from benchmarks.files.encoding import Pcm, encode, read_speech
from benchmarks.files.pairs import SPECIAL, Pair, sound_pairs
from models import SAMPLE_RATE

SHORTEST, LONGEST = 8, 14  # seconds
WRONG_CLOCKS = {"rm"}  # FFmpeg's own muxer writes stamps that are too early
SPEECH = ("conversation", "dialogue", "german")


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, of which kind it is, and the length in seconds that it should be decoded to: that of its
    speech unless its clock says otherwise."""

    kind: str
    name: str
    data: bytes
    seconds: float
    has_picture: bool = False


def recordings(number: int) -> Iterator[Recording]:
    """At least `number` files, as many of each pair; every other one in stereo where it can be."""
    pairs = [pair for pair in (*sound_pairs(), *SPECIAL) if pair.container not in WRONG_CLOCKS]
    for pair in pairs:
        for take in range(-(-number // len(pairs))):
            yield _recording(pair, take)


def cut(rng: Random) -> Pcm:
    """Eight to fourteen seconds of speech."""
    speech = _speech()
    length = rng.randint(SHORTEST * SAMPLE_RATE, LONGEST * SAMPLE_RATE)
    start = rng.randrange(len(speech) - length)
    return speech[start : start + length]


def _recording(pair: Pair, take: int) -> Recording:
    rng = Random(f"{pair.name}:{take}")
    speech = cut(rng)
    data = encode(speech, pair.widest if take % 2 else pair)
    return Recording(pair.name, f"{pair.name} {take}", data, len(speech) / SAMPLE_RATE, bool(pair.video))


@cache
def _speech() -> Pcm:
    return np.concatenate([read_speech(name) for name in SPEECH])
