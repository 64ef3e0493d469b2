"""A recording before it is mixed: its turns, and how they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.hard.schedule import Line

CODECS = ("flac", "opus", "mp3", "aac", "alaw", "amr")
NOISES = ("white", "pink", "brown", "hum", "babble", "kitchen", "sugarplum", "ownmusic")

FAR_DECIBELS = -30.0  # a distant speaker beside a near one


@dataclass(frozen=True, slots=True)
class Scene:
    """How a recording sounds: level in dB of full scale and noise in dB below it, of the speech of those near
    the microphone; `decay` in seconds of a room, 0 for none; `far` speakers are 30 dB quieter."""

    level: float = -23.0
    noise: str = "pink"
    snr: float = 35.0
    decay: float = 0.0
    codec: str = "flac"
    far: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """`group` is the kind of test; `is_quick` tells whether it is in the small subset."""

    name: str
    group: str
    lines: Sequence[Line]
    scene: Scene
    is_quick: bool = False


def random_scene(rng: np.random.Generator, number: int) -> Scene:
    """Codecs and noises in turn, so that each occurs; all else at random."""
    return Scene(
        level=float(rng.choice((-10, -16, -20, -23, -23, -26, -32, -40, -50))),
        noise=NOISES[number % len(NOISES)],
        snr=float(rng.choice((10, 15, 20, 25, 30, 40))),
        decay=float(rng.choice((0, 0.2, 0.3, 0.4, 0.6))),
        codec=CODECS[number % len(CODECS)],
    )
