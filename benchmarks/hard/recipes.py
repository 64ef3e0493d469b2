"""The recordings of one half of the set, as drafts. The same seed always gives the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.hard.drafts import Draft, random_scene
from benchmarks.hard.languages import languages
from benchmarks.hard.material import Voice
from benchmarks.hard.schedule import Pace, Random, converse, place, scatter, speak_briefly
from benchmarks.hard.single_voices import changed, faint, near_and_far, unchanged

SEED = 2026

# Speakers, seconds, share of overlapping turns.
CONVERSATIONS = (
    (2, 60, 0.0),
    (3, 70, 0.3),
    (4, 70, 0.1),
    (6, 90, 0.0),
    (2, 60, 0.3),
    (8, 100, 0.2),
    (5, 80, 0.0),
    (3, 70, 0.15),
    (4, 70, 0.3),
    (9, 110, 0.1),
    (6, 90, 0.3),
    (12, 120, 0.0),
    (16, 140, 0.1),
    (20, 170, 0.0),
)
# People of 4 s and more, people of less.
PANELS = ((2, 2), (3, 2), (2, 3), (4, 3), (3, 3), (2, 4), (4, 4), (3, 4), (5, 3), (4, 2), (2, 2), (3, 5))
PANEL_SECONDS = 45
LITTLE = (1.6, 3.7)  # seconds
NUM_QUICK = {"conversation": 2, "panel": 2}

Recipe = Callable[[Sequence[Voice], Callable[[str], Random]], Iterator[Draft]]


def drafts(half: str, voices: Sequence[Voice]) -> Iterator[Draft]:
    """Every recording of a half. Each has random numbers of its own, so that one recipe does not disturb
    another."""

    def random(name: str) -> Random:
        return np.random.default_rng([SEED, *f"{half} {name}".encode()])

    recipes: tuple[Recipe, ...] = (conversations, panels, changed, unchanged, languages, faint, near_and_far)
    for recipe in recipes:
        yield from recipe(voices, random)


def conversations(voices: Sequence[Voice], random: Callable[[str], Random]) -> Iterator[Draft]:
    for number, (count, seconds, overlap) in enumerate(CONVERSATIONS):
        name = f"conversation{number:02}_{count}"
        rng = random(name)
        pace = Pace(overlap_share=overlap)
        chosen = _choose(voices, count, 1.2 * seconds / count, rng)
        lines = place(converse(chosen, seconds, pace, rng), pace, rng)
        is_quick = number < NUM_QUICK["conversation"]
        yield Draft(name, "conversation", lines, random_scene(random(f"{name} scene"), number), is_quick)


def panels(voices: Sequence[Voice], random: Callable[[str], Random]) -> Iterator[Draft]:
    """News and panels: some say much, several only a few words."""
    for number, (num_main, num_small) in enumerate(PANELS):
        name = f"panel{number:02}_{num_main}_{num_small}"
        rng = random(name)
        pace = Pace(turns=(2.5, 12.0), overlap_share=0.1 * (number % 3 == 2))
        english = [voice for voice in voices if voice.language == "en"]
        chosen = _choose(english, num_main, 1.5 * PANEL_SECONDS / num_main, rng)
        taken = {voice.speaker for voice in chosen}
        others = [v for v in english if v.speaker not in taken and (v.has_text or number % 2)]
        brief = [speak_briefly(others[n], *LITTLE, rng) for n in rng.permutation(len(others))]
        extra = [phrase for phrases in list(filter(None, brief))[:num_small] for phrase in phrases]
        phrases = scatter(converse(chosen, PANEL_SECONDS, pace, rng), extra, rng)
        scene = random_scene(random(f"{name} scene"), number)
        scene = replace(scene, snr=max(scene.snr, 16.0))
        is_quick = number < NUM_QUICK["panel"]
        yield Draft(name, "panel", place(phrases, pace, rng), scene, is_quick)


def _choose(voices: Sequence[Voice], count: int, seconds: float, rng: Random) -> list[Voice]:
    """`count` people, those with text and at least `seconds` of English first; others if they are too few."""
    english = [voice for voice in voices if voice.language == "en"]
    ranks: list[Callable[[Voice], bool]] = [
        lambda voice: voice.has_text and voice.seconds >= seconds,
        lambda voice: voice.has_text,
        lambda voice: not voice.has_text,
    ]
    ordered = [voice for fits in ranks for voice in _shuffled([v for v in english if fits(v)], rng)]
    ordered += _shuffled([voice for voice in voices if voice.language != "en"], rng)
    by_speaker: dict[str, Voice] = {}
    for voice in ordered:
        by_speaker.setdefault(voice.speaker, voice)
    return _shuffled(list(by_speaker.values())[:count], rng)


def _shuffled(voices: Sequence[Voice], rng: Random) -> list[Voice]:
    return [voices[number] for number in rng.permutation(len(voices))]
