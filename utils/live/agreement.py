"""Which words of a turn that is still spoken may be told: those that two hypotheses in a row agree on, away
from the edge of what was heard. Pure.

This is LocalAgreement-2 of Liu et al. 2020, as used for Whisper by Macháček et al. 2023 (arXiv:2307.14743).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from models import Word, seconds
from options import Delay

# Of ten told words that the transcript had otherwise, seven were less probable than this: those wait a step.
SURE = 0.6
DOUBT = seconds(1)


@dataclass(frozen=True, slots=True)
class DelayRules:
    """A step comes for each `step` samples of new audio, and the first ones of a turn sooner; `guard` is how
    far before the edge of what was heard a told word must end."""

    step: int
    guard: int = seconds(0.3)
    agrees: bool = True
    """Whether two hypotheses must agree."""
    adds_up: bool = False
    """Whether what was told is kept in the transcript."""


DELAYS = {
    Delay.MINIMAL: DelayRules(seconds(0.5), guard=seconds(0.5), agrees=False),
    Delay.LOW: DelayRules(seconds(0.5)),
    Delay.MEDIUM: DelayRules(seconds(1)),
    Delay.HIGH: DelayRules(seconds(2), adds_up=True),
}
"""Of those delays whose deltas come while a turn is spoken: with the longest there is only the transcript."""


class Agreement:
    """The words of one window that may be told, in samples of the stream."""

    def __init__(self, rules: DelayRules, told: Sequence[Word] = ()) -> None:
        """`told` are words of this window that were told before."""
        self._rules = rules
        self._last: Sequence[Word] = ()
        self.told = list(told)
        self.rest: Sequence[Word] = ()
        """The words of the latest hypothesis after those told."""

    def feed(self, words: Sequence[Word], edge: int) -> list[Word]:
        """The words to tell, after the next hypothesis, which has heard the window up to `edge`."""
        rest = words[_end_of(self.told, words) :]
        before = self._last[_end_of(self.told, self._last) :]
        agreed = _common(before, rest) if self._rules.agrees else len(rest)
        new = list(takewhile(lambda word: word.stop <= edge - self._guard(word), rest[:agreed]))
        self._last = words
        self.told += new
        self.rest = rest[len(new) :]
        return new

    def _guard(self, word: Word) -> int:
        return self._rules.guard if word.probability >= SURE else self._rules.guard + DOUBT


def plain(word: Word) -> str:
    """What two hypotheses must agree on: its letters and digits."""
    return "".join(filter(str.isalnum, word.text.casefold())) or word.text.strip()


def after(told: Sequence[Word], words: Sequence[Word]) -> Sequence[Word]:
    """The words that continue what was told."""
    return words[_end_of(told, words) :]


def _common(before: Sequence[Word], words: Sequence[Word]) -> int:
    pairs = zip(map(plain, before), map(plain, words), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _end_of(told: Sequence[Word], words: Sequence[Word]) -> int:
    """How many of `words` say what was told: the prefix with the fewest edits (Levenshtein), of equally good
    ones that whose end is nearest in time."""
    if not told:
        return 0
    known = [plain(word) for word in told]
    row = list(range(len(known) + 1))  # edits between no words and each prefix of `known`
    edits = [row[-1]]
    for word in map(plain, words):
        above, row = row, [row[0] + 1]
        for index, one in enumerate(known):
            row.append(min(above[index] + (one != word), above[index + 1] + 1, row[index] + 1))
        edits.append(row[-1])
    ends = [told[0].start, *(word.stop for word in words)]
    return min(range(len(edits)), key=lambda n: (edits[n], abs(ends[n] - told[-1].stop)))
