"""Recordings in which the language changes from turn to turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from benchmarks.hard.drafts import Draft, random_scene
from benchmarks.hard.material import Phrase, Voice
from benchmarks.hard.schedule import LEAD, Line, Random, Reader

GAP = (0.3, 1.2)  # seconds between turns
PAUSE = (0.3, 0.7)  # seconds between the utterances of a turn
MIN_SECONDS = 10.0  # of a voice
OTHERS = ("de", "es", "fr", "it", "ru")

# The order of three languages by index, and the seconds of each turn.
FIRST_LONG = ((0, 20), (0, 18), (1, 12), (2, 10), (1, 8), (2, 9), (0, 6))
QUICK = (
    (0, 3),
    (1, 2.5),
    (2, 4),
    (1, 3),
    (0, 2),
    (2, 3),
    (0, 5),
    (1, 4),
    (2, 2),
    (0, 3),
    (2, 3),
    (1, 4),
    (0, 4),
)
EVEN = ((0, 15), (1, 10), (2, 12), (0, 10), (1, 12), (2, 9))
INTERPRETED = ((0, 8), (1, 8), (0, 6), (1, 6), (0, 9), (2, 6), (0, 5), (2, 8))
PATTERNS = {"first_long": FIRST_LONG, "quick": QUICK, "even": EVEN, "interpreted": INTERPRETED}
ROUNDS = 3
NUM_QUICK = 2


def languages(voices: Sequence[Voice], random: Callable[[str], Random]) -> Iterator[Draft]:
    """Three languages in turn, by different people."""
    number = 0
    for round_ in range(ROUNDS):
        for pattern, turns in PATTERNS.items():
            name = f"languages{number:02}_{pattern}"
            rng = random(name)
            readers = [Reader(voice, rng) for voice in _three(voices, round_, rng)]
            phrases = [_turn(readers[index], seconds) for index, seconds in turns]
            lines = _joined_turns(phrases, rng)
            scene = random_scene(random(f"{name} scene"), number)
            # The measure is the language: recording conditions are mild.
            scene = replace(scene, snr=max(scene.snr, 20.0), decay=min(scene.decay, 0.35), level=-23.0)
            yield Draft(name, "languages", lines, scene, number < NUM_QUICK)
            number += 1
    assert number == ROUNDS * len(PATTERNS)


def _three(voices: Sequence[Voice], round_: int, rng: Random) -> list[Voice]:
    """English and two others of those with the most speech, in an order that changes with the round."""
    long = [voice for voice in voices if voice.has_text and voice.seconds >= MIN_SECONDS]
    english = [voice for voice in long if voice.language == "en" and voice.seconds > 40]
    others: dict[str, Voice] = {}
    for voice in sorted(long, key=lambda voice: -voice.seconds):
        if voice.language in OTHERS:
            others.setdefault(voice.language, voice)
    names = [str(name) for name in rng.permutation(list(others))[:2]]
    chosen = [english[int(rng.integers(len(english)))], *(others[name] for name in names)]
    return chosen[round_:] + chosen[:round_]


def _turn(reader: Reader, seconds: float) -> list[Phrase]:
    """Utterances of one person that together last about `seconds`."""
    phrases: list[Phrase] = []
    while sum(phrase.seconds for phrase in phrases) < seconds - 1:
        phrase = reader.read(seconds)
        if phrase is None:
            break
        phrases.append(phrase)
    return phrases


def _joined_turns(turns: Sequence[Sequence[Phrase]], rng: Random) -> list[Line]:
    """Places the turns one after the other, the utterances of a turn close together."""
    lines: list[Line] = []
    for turn in turns:
        for number, phrase in enumerate(turn):
            gap = float(rng.uniform(*(PAUSE if number else GAP)))
            lines.append(Line(lines[-1].end + gap if lines else LEAD, phrase))
    return lines
