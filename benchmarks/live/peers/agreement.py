"""LocalAgreement-2 on a growing buffer (Macháček et al. 2023, arXiv 2307.14743). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.live.measures import Said

TRIM_SECONDS = 15.0  # of a buffer, from which on it is cut
NEAR = 0.1  # seconds by which the times of a word may differ from one transcript to the next
MAX_REPEATED = 5  # words told that a transcript may begin with again
PROMPT_CHARACTERS = 200


@dataclass(slots=True)
class LocalAgreement:
    """Times in seconds from the start of the audio. `start` is that of the buffer."""

    start: float = 0.0
    told: list[Said] = field(default_factory=list)
    _before: list[Said] = field(default_factory=list)  # what the last transcript had after the told words

    def add(self, words: Sequence[Said]) -> list[Said]:
        """The words that are settled now: those with which this transcript and the last one begin."""
        fresh = self._without_told(words)
        agreed = 0
        while agreed < min(len(fresh), len(self._before)) and fresh[agreed].word == self._before[agreed].word:
            agreed += 1
        self.told += fresh[:agreed]
        self._before = fresh[agreed:]
        return fresh[:agreed]

    def finish(self) -> list[Said]:
        """What is left at the end."""
        rest, self._before = self._before, []
        self.told += rest
        return rest

    def trim(self, ends: Sequence[float], heard: float) -> None:
        """Cut a long buffer behind the last sentence that is settled; `ends` are those of its sentences, the
        last of which may still grow, `heard` that of the buffer."""
        if heard - self.start > TRIM_SECONDS and self.told:
            self.start = max((end for end in ends[:-1] if end <= self.told[-1].end), default=self.start)

    @property
    def prompt(self) -> str:
        """The last words told before the buffer."""
        return " ".join(word.word for word in self.told if word.end <= self.start)[-PROMPT_CHARACTERS:]

    def _without_told(self, words: Sequence[Said]) -> list[Said]:
        if not self.told:
            return list(words)
        fresh = [word for word in words if word.start > self.told[-1].end - NEAR]
        for count in range(min(MAX_REPEATED, len(self.told), len(fresh)), 0, -1):
            if [word.word for word in fresh[:count]] == [word.word for word in self.told[-count:]]:
                return fresh[count:]
        return fresh
