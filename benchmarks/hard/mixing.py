"""Mixes a draft: voices at their levels in a room, noise, and the reference from the dry sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.hard.drafts import FAR_DECIBELS, Draft, Scene
from benchmarks.hard.material import Voice
from benchmarks.hard.schedule import Line, Random
from benchmarks.hard.signal.rooms import (
    impulse_response,
    random_point,
    random_point_near,
    random_room,
    reverberate,
)
from benchmarks.hard.signal.sound import at_level, sounding
from benchmarks.sounds import hum, noise
from benchmarks.values import Turn
from models import SAMPLE_RATE, Audio

SPREAD = 3.0  # dB by which near speakers differ either way
MAX_METRES = 2.0  # from a speaker to the microphone
TAIL = 1.0  # seconds after the last turn
SLOPES = {"white": 0.0, "pink": 1.0, "brown": 2.0}
NUM_BABBLERS, BABBLE_SECONDS = 6, 20


@dataclass(frozen=True, slots=True)
class Utterance:
    """A turn from its first sound to its last; `sounds` are its parts between pauses."""

    turn: Turn
    language: str
    has_text: bool
    sounds: tuple[tuple[float, float], ...]


def mix(draft: Draft, backgrounds: Mapping[str, Audio], rng: Random) -> Audio:
    """The recording before it is encoded."""
    scene = draft.scene
    length = round((max(line.end for line in draft.lines) + TAIL) * SAMPLE_RATE)
    samples = np.zeros(length, np.float32)
    room = random_room(scene.decay, rng) if scene.decay else None
    microphone = random_point(room, rng) if room else None
    for dry in _tracks(draft.lines, scene, length, rng):
        if room is not None and microphone is not None:
            source = random_point_near(room, microphone, MAX_METRES, rng)
            response = impulse_response(room, source, microphone)
            dry = reverberate(dry, response / np.linalg.norm(response))[:length]
        samples += dry
    samples += _background(scene, backgrounds, length, rng)
    return np.clip(samples, -1, 1)


def babble(voices: Sequence[Voice], rng: Random) -> Audio:
    """Many voices at once, reversed so that there are no words."""
    total = np.zeros(BABBLE_SECONDS * SAMPLE_RATE, np.float32)
    long = [voice for voice in voices if voice.seconds > BABBLE_SECONDS]
    for number in rng.permutation(len(long))[:NUM_BABBLERS]:
        phrases = [phrase.samples for utterance in long[number].utterances for phrase in utterance]
        total += at_level(np.concatenate(phrases)[: len(total)], -23)
    return total[::-1].copy()


def utterances(lines: Sequence[Line]) -> list[Utterance]:
    """The reference, by the energy of each turn alone."""
    found = []
    for line in lines:
        phrase = line.phrase
        sounds = tuple((line.start + start, line.start + end) for start, end in sounding(phrase.samples))
        if sounds:
            turn = Turn(sounds[0][0], sounds[-1][1], phrase.speaker, phrase.text or "")
            found.append(Utterance(turn, phrase.language, phrase.text is not None, sounds))
    return found


def _tracks(lines: Sequence[Line], scene: Scene, length: int, rng: Random) -> Iterator[Audio]:
    """All turns of each speaker without room, at the speaker's level."""
    speakers = sorted({line.phrase.speaker for line in lines})
    for speaker in speakers:
        spread = float(rng.uniform(-SPREAD, SPREAD)) if len(speakers) > 1 else 0.0
        decibels = scene.level + (FAR_DECIBELS if speaker in scene.far else spread)
        track = np.zeros(length, np.float32)
        for line in lines:
            if line.phrase.speaker == speaker:
                first = round(line.start * SAMPLE_RATE)
                part = at_level(line.phrase.samples, decibels)[: length - first]
                track[first : first + len(part)] += part
        yield track


def _background(scene: Scene, backgrounds: Mapping[str, Audio], length: int, rng: Random) -> Audio:
    seconds, decibels = length / SAMPLE_RATE, scene.level - scene.snr
    if scene.noise in SLOPES:
        return noise(seconds, SLOPES[scene.noise], decibels, int(rng.integers(2**31)))[:length]
    if scene.noise == "hum":
        return hum(seconds, decibels)[:length]
    return np.resize(at_level(backgrounds[scene.noise], decibels), length)
