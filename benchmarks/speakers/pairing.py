"""Speakers of an answer paired with those of the reference, and words at the edges of turns. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alignment import EQUAL, align, merge_turns
from benchmarks.text_scores import Errors, normalise
from benchmarks.values import Turn
from utils.numeric.best_pairs import best_pairs

EDGE_WORDS = 2  # at each end of a turn
FULL_SECONDS = 4.0  # of speech, of people who must be counted
SMALL_SECONDS = 1.5  # of speech, of people who should be found
MIN_SHARE = 0.5  # of what a speaker of the answer says during reference speech

Weights = Mapping[tuple[str, str], float]
"""For pairs of a speaker of the answer and one of the reference."""


@dataclass(frozen=True, slots=True)
class SpeakerCounts:
    """People of at least `FULL_SECONDS` are `full`; `counted` are the speakers of the answer, except those
    paired with anyone else; `small` are people of at least `SMALL_SECONDS`, some of whom were found."""

    full: int
    counted: int
    small: int
    small_found: int


def pair_speakers(weights: Weights) -> dict[str, str]:
    """The reference speaker of each speaker of the answer: the pairs of the greatest total weight."""
    rows, columns = sorted({row for row, _ in weights}), sorted({column for _, column in weights})
    if not rows:
        return {}
    gain = np.array([[weights.get((row, column), 0.0) for column in columns] for row in rows])
    return {rows[row]: columns[column] for row, column in best_pairs(gain) if gain[row, column] > 0}


def overlaps(turns: Sequence[Turn], reference: Sequence[Turn]) -> dict[tuple[str, str], float]:
    """Seconds in which a speaker of `turns` and one of `reference` speak together."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for turn in turns:
        for other in reference:
            both = min(turn.end, other.end) - max(turn.start, other.start)
            if both > 0:
                seconds[turn.speaker, other.speaker] += both
    return dict(seconds)


def count_speakers(
    turns: Sequence[Turn], reference: Sequence[Turn], speech: Mapping[str, float]
) -> SpeakerCounts:
    """Counts the speakers of `turns` against `speech`, the seconds of each reference speaker. A pair must
    hold most of what the speaker of the answer says during reference speech: else that is an extra one."""
    weights = overlaps(turns, reference)
    said: defaultdict[str, float] = defaultdict(float)
    for (speaker, _), seconds in weights.items():
        said[speaker] += seconds
    pairs = {
        speaker: name
        for speaker, name in pair_speakers(weights).items()
        if weights[speaker, name] >= MIN_SHARE * said[speaker]
    }
    full = {name for name, seconds in speech.items() if seconds >= FULL_SECONDS}
    small = {name for name, seconds in speech.items() if SMALL_SECONDS <= seconds < FULL_SECONDS}
    speakers = {turn.speaker for turn in turns}
    counted = sum(speaker not in pairs or pairs[speaker] in full for speaker in speakers)
    return SpeakerCounts(len(full), counted, len(small), len(small & set(pairs.values())))


def edge_errors(reference: Sequence[Turn], words: Sequence[tuple[str, str]], language: str) -> Errors:
    """Words recognised at the edges of reference turns, and how many of them have a wrong speaker. `words`
    are the text and speaker of each word of the answer. Turns that overlap others have no clear edges."""
    turns = merge_turns(reference)
    expected = [(word, number) for number, turn in enumerate(turns) for word in _split(turn.text, language)]
    actual = [(word, speaker) for text, speaker in words for word in _split(text, language)]
    steps = align([word for word, _ in expected], [word for word, _ in actual])
    matches = [
        (index, turns[expected[index][1]].speaker, actual[match][1])
        for kind, index, match in steps
        if kind == EQUAL
    ]
    weights: defaultdict[tuple[str, str], float] = defaultdict(float)
    for _, name, speaker in matches:
        weights[speaker, name] += 1
    pairs = pair_speakers(weights)
    edges = _edges([number for _, number in expected], turns)
    wrong = [pairs.get(speaker) != name for index, name, speaker in matches if index in edges]
    return Errors(sum(wrong), len(wrong))


def _split(text: str, language: str) -> list[str]:
    """Word by word, because only so can an answer's words keep their speakers."""
    return [part for word in text.split() for part in normalise(word, language).split()]


def _edges(numbers: Sequence[int], turns: Sequence[Turn]) -> set[int]:
    """Indices of the first and last words of turns alone; `numbers` has the turn of each word."""
    edges: set[int] = set()
    for number, turn in enumerate(turns):
        others = (other for other in turns if other is not turn)
        if not any(other.start < turn.end and turn.start < other.end for other in others):
            own = [index for index, of_turn in enumerate(numbers) if of_turn == number]
            edges.update(own[:EDGE_WORDS] + own[-EDGE_WORDS:])
    return edges
