"""Reverberation of a room by the image method (Allen and Berkley 1979, doi:10.1121/1.382599). Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, fftconvolve, sosfilt

from models import SAMPLE_RATE, Audio

SPEED_OF_SOUND = 343.0  # metres per second
WALL_MARGIN = 0.5  # metres between a source or microphone and a wall
LOWEST_FREQUENCY = 60.0  # Hz; equal signs of all echoes add a slow drift, which is filtered out

Point = npt.NDArray[np.float64]
"""Coordinates in metres (3,)."""


@dataclass(frozen=True, slots=True)
class Room:
    """Size in metres (3,), and the time in seconds in which an echo falls by 60 dB."""

    size: Point
    decay: float

    @property
    def reflection(self) -> float:
        """The share of pressure that a wall reflects, by Eyring's formula."""
        x, y, z = self.size
        surface = 2 * (x * y + y * z + z * x)
        absorption = 1 - math.exp(-0.161 * float(x * y * z) / (float(surface) * self.decay))
        return math.sqrt(1 - absorption)


def random_room(decay: float, rng: np.random.Generator) -> Room:
    return Room(rng.uniform((3.5, 3.0, 2.5), (9.0, 7.0, 3.5)), decay)


def random_point(room: Room, rng: np.random.Generator) -> Point:
    return np.asarray(rng.uniform(WALL_MARGIN, room.size - WALL_MARGIN))


def random_point_near(room: Room, point: Point, metres: float, rng: np.random.Generator) -> Point:
    """At most `metres` from `point`, which must be at least `WALL_MARGIN` from all walls."""
    while True:
        found = random_point(room, rng)
        if np.linalg.norm(found - point) <= metres:
            return found


def impulse_response(room: Room, source: Point, microphone: Point) -> Audio:
    """Echoes from the direct sound on, which is at sample 0 with amplitude 1."""
    direct = float(np.linalg.norm(source - microphone))
    longest = direct + SPEED_OF_SOUND * room.decay
    distances, reflections = _axis_images(room.size[0], source[0], microphone[0], longest)
    total, count = distances**2, reflections
    for axis in (1, 2):
        distances, reflections = _axis_images(room.size[axis], source[axis], microphone[axis], longest)
        total = np.add.outer(total, distances**2).ravel()
        count = np.add.outer(count, reflections).ravel()
        near = total < longest**2
        total, count = total[near], count[near]
    distance = np.sqrt(total)
    delays = np.rint((distance - direct) / SPEED_OF_SOUND * SAMPLE_RATE).astype(np.int64)
    response = np.bincount(delays, room.reflection**count * direct / distance)
    highpass = butter(2, LOWEST_FREQUENCY, "highpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(highpass, response), np.float32)


def reverberate(samples: Audio, response: Audio) -> Audio:
    """`samples` with its echoes, longer by those of the last sample."""
    return np.asarray(fftconvolve(samples, response), np.float32)


def _axis_images(length: float, source: float, microphone: float, longest: float) -> tuple[Point, Point]:
    """Distances along one axis from the microphone to all images of the source, and their reflections."""
    order = math.ceil(longest / (2 * length)) + 1
    repeats = np.arange(-order, order + 1)
    even = 2 * repeats * length + source - microphone
    odd = 2 * repeats * length - source - microphone
    return np.concatenate((even, odd)), np.concatenate((abs(2 * repeats), abs(2 * repeats - 1))).astype(float)
