"""Which language each stretch of speech is in, given how each sounds. Pure.

What a second or two sounds like is often wrong, and a language seldom changes. So the stretches are the
observations of a hidden Markov model that tends to stay in its state: the Viterbi algorithm finds the
languages that explain best what is heard, each change of language at a cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from models import SAMPLE_RATE, Span, seconds

LONGEST = seconds(4)  # of a stretch; a longer one may hold two languages
SHORTEST = seconds(1)  # less speech says too little of its language
MIN_SPEECH = seconds(2)  # of a language, in a row, to change to it
MIN_FIRST_SPEECH = seconds(3)  # if it was not spoken before
# Costs in nats, against log-probabilities of at least log(FLOOR), weighted by EVIDENCE for each second.
CHANGE = 2.0
FIRST_CHANGE = 3.0  # to a language that was not spoken before
CLOSE_CHANGE = 9.0  # between languages that Whisper confuses
FLOOR = 0.01
EVIDENCE = 0.5
ENOUGH = 6.0  # of them decide where a run alone is unsure
WITHOUT_PAUSE = 1.0  # what a change costs more where nobody pauses
PAUSE = seconds(0.5)
SURE = 0.5  # a language more probable than this is believed
TIMES = 5  # how much more probable a language must be than the one before it
CLOSE_TIMES = 20  # the same between languages that Whisper confuses

_CLOSE = (
    "da no nn sv is fo",
    "es pt gl ca oc",
    "it la",
    "ru uk be bg mk",
    "hr sr bs sl",
    "cs sk",
    "hi ur pa sd ne mr",
    "zh yue",
    "id ms jw su",
    "nl af de lb yi",
    "tr az tk",
    "en cy",
)
CLOSE: Mapping[str, frozenset[str]] = {
    code: frozenset(group.split()) for group in _CLOSE for code in group.split()
}
"""The languages that each is easily taken for, itself among them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without a pause, and the probability of each language in it."""

    span: Span
    probabilities: Mapping[str, float]


def spoken_languages(
    stretches: Sequence[Stretch], before: Sequence[str], is_start: bool = False
) -> list[str]:
    """The language of each stretch. `before` are those spoken earlier, the latest last; at the start of a
    recording it is a guess. A language with too little speech in a row counts as the one before it."""
    path = _cheapest(stretches, before, is_start)
    runs = [list(run) for _, run in groupby(range(len(path)), key=path.__getitem__)]
    spoken: list[str | None] = []
    last = None if is_start else before[-1]
    for run in runs:
        language = path[run[0]]
        least = MIN_SPEECH if language in before else MIN_FIRST_SPEECH
        if sum(stretches[n].span.num_samples for n in run) >= least:
            last = language
        spoken += [last] * len(run)
    first = next((language for language in spoken if language), before[-1])
    return [language or first for language in spoken]


def settled_language(
    run: Sequence[Stretch], language: str, alone: Mapping[str, float], before: Sequence[str]
) -> str:
    """The language of a run that seems to be in `language`, given its probabilities when it is encoded alone:
    the latest of `before`, unless it is surely another."""
    last = before[-1]
    best = max(alone, key=alone.__getitem__)
    if alone[best] > SURE * sum(alone.values()):
        known = _taken_for(best, before)
        if CLOSE_TIMES * alone.get(known, 0.0) > alone[best]:
            best = known
        return best if alone[best] >= TIMES * alone.get(last, 0.0) else last
    evidence = sum(_surprise(each, last) - _surprise(each, language) for each in run)
    return language if evidence >= ENOUGH and not _are_close(language, last) else last


def latest(before: Iterable[str], spoken: Iterable[str]) -> tuple[str, ...]:
    """The languages of both, each once, in the order in which each was spoken last."""
    return tuple(reversed(dict.fromkeys(reversed([*before, *spoken]))))


def _cheapest(stretches: Sequence[Stretch], before: Sequence[str], is_start: bool) -> list[str]:
    """The Viterbi path."""
    heard = (max(each.probabilities, key=each.probabilities.__getitem__) for each in stretches)
    languages = list(dict.fromkeys([before[-1], *heard]))
    # The cost of the cheapest path to each language, and that path; on a tie the earlier language stays.
    paths: dict[str, tuple[float, list[str]]] = {
        language: (0.0, []) for language in (languages if is_start else before[-1:])
    }
    pauses = [PAUSE, *(after.span.start - each.span.stop for each, after in pairwise(stretches))]
    for stretch, pause in zip(stretches, pauses, strict=False):
        hurry = WITHOUT_PAUSE if pause < PAUSE else 0.0
        paths = {
            language: min(
                (
                    (
                        cost + _change(last, language, before, hurry) + _surprise(stretch, language),
                        [*path, language],
                    )
                    for last, (cost, path) in paths.items()
                ),
                key=lambda found: found[0],
            )
            for language in languages
        }
    return min(paths.values(), key=lambda found: found[0])[1]


def _change(last: str, language: str, before: Sequence[str], hurry: float) -> float:
    if language == last:
        return 0.0
    if _are_close(last, language) or _taken_for(language, before) != language:
        return CLOSE_CHANGE + hurry
    return (CHANGE if language in before else FIRST_CHANGE) + hurry


def _surprise(stretch: Stretch, language: str) -> float:
    """The weighted negative log-probability of what is heard."""
    if stretch.span.num_samples < SHORTEST:
        return 0.0
    weight = EVIDENCE * stretch.span.num_samples / SAMPLE_RATE
    return -weight * math.log(max(stretch.probabilities.get(language, 0.0), FLOOR))


def _taken_for(language: str, before: Sequence[str]) -> str:
    """The language spoken before that may be meant; itself, if it was spoken or none is close."""
    close = (known for known in reversed(before) if _are_close(known, language))
    return language if language in before else next(close, language)


def _are_close(one: str, other: str) -> bool:
    return other in CLOSE.get(one, ())
