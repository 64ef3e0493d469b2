"""Who speaks when: conversations made of the phrases of several voices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.hard.material import Phrase, Voice, join
from benchmarks.hard.signal.sound import sounding, trim

Random = np.random.Generator

MIN_TURN = 0.7  # seconds
ANSWER_SHARE = 0.4  # of the turns go to the speaker before the last
LONG_GAP_SHARE = 0.15
SHORT_GAPS = (0.05, 0.7)  # seconds
OVERLAPS = (0.3, 1.5)  # seconds
LEAD = 0.5  # seconds before the first turn


@dataclass(frozen=True, slots=True)
class Pace:
    """Shortest and longest turns and long gaps in seconds; the share of turns that overlap the last one."""

    turns: tuple[float, float] = (0.7, 12.0)
    gaps: tuple[float, float] = (1.0, 4.0)
    overlap_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A turn of a recording, from `start` in seconds."""

    start: float
    phrase: Phrase

    @property
    def end(self) -> float:
        return self.start + self.phrase.seconds


class Reader:
    """Reads the utterances of a voice in random order, each once."""

    def __init__(self, voice: Voice, rng: Random) -> None:
        self.speaker = voice.speaker
        self.spoken = 0.0
        order = rng.permutation(len(voice.utterances))
        self._left = [list(voice.utterances[number]) for number in order]

    def read(self, seconds: float) -> Phrase | None:
        """The next phrases of one utterance, until they last `seconds`; None if nothing is left."""
        while self._left:
            utterance, taken = self._left[0], list[Phrase]()
            while utterance and sum(phrase.seconds for phrase in taken) < seconds:
                taken.append(utterance.pop(0))
            if not utterance:
                self._left.pop(0)
            phrase = trimmed(join(taken))
            if phrase.seconds >= MIN_TURN:
                self.spoken += phrase.seconds
                return phrase
        return None


def trimmed(phrase: Phrase) -> Phrase:
    return Phrase(phrase.speaker, phrase.language, phrase.text, trim(phrase.samples))


def converse(voices: Sequence[Voice], seconds: float, pace: Pace, rng: Random) -> list[Phrase]:
    """Turns that together last `seconds`, if the voices have that much to say."""
    readers = [Reader(voice, rng) for voice in voices]
    last, before_last = None, None
    phrases: list[Phrase] = []
    while sum(phrase.seconds for phrase in phrases) < seconds:
        others = [reader for reader in readers if reader is not last]
        if not others:
            break
        answers = before_last in others and rng.random() < ANSWER_SHARE and all(r.spoken for r in readers)
        reader = before_last if answers and before_last else min(others, key=lambda other: other.spoken)
        phrase = reader.read(_turn_length(pace, rng))
        if phrase is None:
            readers.remove(reader)
            continue
        phrases.append(phrase)
        before_last, last = last, reader
    return phrases


def speak_briefly(voice: Voice, least: float, most: float, rng: Random) -> list[Phrase]:
    """One or two turns that together last between `least` and `most` seconds; empty if there are none."""
    choices = [trimmed(phrase) for utterance in voice.utterances for phrase in utterance]
    choices = [phrase for phrase in choices if phrase.seconds >= MIN_TURN]
    chosen, total = list[Phrase](), 0.0
    for number in rng.permutation(len(choices)):
        seconds = sum(end - start for start, end in sounding(choices[number].samples))
        if total + seconds <= most:
            chosen.append(choices[number])
            total += seconds
        if total >= least:
            return chosen
    return []


def scatter(main: Sequence[Phrase], extra: Iterable[Phrase], rng: Random) -> list[Phrase]:
    """`main` with each of `extra` inserted somewhere, not beside a turn of the same speaker if avoidable."""
    phrases = list(main)
    for phrase in extra:
        places = [
            place
            for place in range(1, len(phrases))
            if phrase.speaker not in (phrases[place - 1].speaker, phrases[place].speaker)
        ]
        phrases.insert(int(rng.choice(places)) if places else len(phrases), phrase)
    return phrases


def place(phrases: Iterable[Phrase], pace: Pace, rng: Random) -> list[Line]:
    """Gives each turn its start: gaps, or overlaps of two speakers, never of three or of one with himself."""
    lines: list[Line] = []
    for phrase in phrases:
        if not lines:
            lines.append(Line(LEAD, phrase))
            continue
        last = lines[-1]
        start = last.end + _gap(last, phrase, pace, rng)
        earlier = max((line.end for line in lines[:-1]), default=0.0)
        lines.append(Line(max(start, earlier), phrase))
    return lines


def _gap(last: Line, phrase: Phrase, pace: Pace, rng: Random) -> float:
    if phrase.speaker != last.phrase.speaker and rng.random() < pace.overlap_share:
        longest = min(last.phrase.seconds, phrase.seconds) / 2
        return -min(float(rng.uniform(*OVERLAPS)), longest)
    gaps = pace.gaps if rng.random() < LONG_GAP_SHARE else SHORT_GAPS
    return float(rng.uniform(*gaps))


def _turn_length(pace: Pace, rng: Random) -> float:
    """Short turns are as frequent as long ones, on a logarithmic scale."""
    shortest, longest = np.log(pace.turns)
    return float(np.exp(rng.uniform(shortest, longest)))
