"""How late words were told, and how many of them were wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.alignment import EQUAL, align
from benchmarks.live.told import LiveTurn, Told, words_of
from benchmarks.values import Message

PAUSE = 0.5  # seconds of silence between two passages


@dataclass(frozen=True, slots=True)
class Said:
    """A normalised word and when it was said, in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds. `first`: of the first word of each passage that was told, after the passage began. `word`: of
    each word, after its end. `last`: until all words of a passage were told, after its end."""

    first: tuple[float, ...] = ()
    word: tuple[float, ...] = ()
    last: tuple[float, ...] = ()

    def __add__(self, other: Lags) -> Lags:
        return Lags(self.first + other.first, self.word + other.word, self.last + other.last)


@dataclass(frozen=True, slots=True)
class TurnLags:
    """Seconds. `sign`: of the first word, settled or not, after the first that was said in the turn. `final`:
    of the transcript after the end of the turn was told. `ended`: of the transcript after the last word."""

    sign: tuple[float, ...] = ()
    final: tuple[float, ...] = ()
    ended: tuple[float, ...] = ()

    def __add__(self, other: TurnLags) -> TurnLags:
        return TurnLags(self.sign + other.sign, self.final + other.final, self.ended + other.ended)


def said_words(words: Iterable[Message], language: str) -> list[Said]:
    """From the words of a `verbose_json` answer."""
    return [
        Said(part, word["start"], word["end"]) for word in words for part in words_of(word["word"], language)
    ]


def lags(said: Sequence[Said], told: Sequence[Told]) -> Lags:
    """Of the words that were told as they are in `said`."""
    pairs = align([each.word for each in said], [each.word for each in told])
    at = {index: told[other].at for kind, index, other in pairs if kind == EQUAL}
    first, last = [], []
    for start, stop in passages(said):
        times = [at[index] for index in range(start, stop) if index in at]
        if times:
            first.append(min(times) - said[start].start)
            last.append(max(times) - said[stop - 1].end)
    return Lags(tuple(first), tuple(at[index] - said[index].end for index in sorted(at)), tuple(last))


def passages(said: Sequence[Said]) -> Iterator[tuple[int, int]]:
    """Start and stop of the words between two pauses."""
    cuts = [n for n, (before, after) in enumerate(pairwise(said), 1) if after.start - before.end >= PAUSE]
    yield from pairwise([0, *cuts, len(said)] if said else [])


def turn_lags(said: Sequence[Said], turns: Iterable[LiveTurn]) -> TurnLags:
    """Of the turns in which something was said."""
    sign, final, ended = [], [], []
    for turn in turns:
        inside = [each for each in said if turn.start <= (each.start + each.end) / 2 <= turn.stop]
        if not (inside and turn.transcript):
            continue
        first_at = turn.completed_at if turn.first_sign_at is None else turn.first_sign_at
        sign.append(first_at - inside[0].start)
        final.append(turn.completed_at - turn.stopped_at)
        ended.append(turn.completed_at - inside[-1].end)
    return TurnLags(tuple(sign), tuple(final), tuple(ended))


def p50_p90(values: Sequence[float]) -> str:
    """Two percentiles in seconds."""
    if not values:
        return "–"
    return " / ".join(f"{quantile:.2f}" for quantile in np.percentile(values, [50, 90]))
