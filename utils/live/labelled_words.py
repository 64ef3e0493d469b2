"""The words of a turn and who said them, as both are told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from models import Segment, SpeakerTurn, Word
from utils.speakers.assignment import assign_speakers


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """Words of one speaker that follow each other."""

    id: str
    words: tuple[Word, ...]
    speaker: int

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()


class LabelledWords:
    """Words wait until it is known who spoke; once labelled, they are told once."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._waiting: list[Word] = []
        self._told: list[SpokenWords] = []

    def tell(self, words: Iterable[Word]) -> None:
        """Words that are settled. Those of a window may be so after words of the next."""
        self._waiting = sorted([*self._waiting, *words], key=lambda word: word.start)

    def label(self, turns: Sequence[SpeakerTurn], until: int) -> list[SpokenWords]:
        """What can be told of the words that end before `until`, of which `turns` tell who spoke; nothing of
        words where nobody is known to have spoken."""
        ready = list(takewhile(lambda word: word.stop <= until, self._waiting))
        found = list(self._spoken(ready, turns)) if ready else []
        if found:
            del self._waiting[: len(ready)]
        self._told += found
        return found

    def with_told(self, turns: Sequence[SpeakerTurn]) -> list[SpeakerTurn]:
        """`turns`, and before them, as they go back only so far, what was told."""
        known_from = min((turn.start for turn in turns), default=0)
        told = [
            SpeakerTurn(spoken.words[0].start, spoken.words[-1].stop, spoken.speaker)
            for spoken in self._told
            if spoken.words[-1].stop <= known_from
        ]
        return [*told, *turns]

    def revised(self, turns: Sequence[SpeakerTurn]) -> list[SpokenWords]:
        """What was told and is, by `turns`, for the most part somebody else's."""
        changed = []
        known_from = min((turn.start for turn in turns), default=0)
        for index, spoken in enumerate(self._told):
            if spoken.words[-1].stop < known_from:
                continue
            lengths: Counter[int] = Counter()
            for piece in assign_speakers([_segment(spoken.words)], turns):
                if piece.speaker is not None:
                    lengths[piece.speaker] += piece.stop - piece.start
            if lengths and (speaker := lengths.most_common(1)[0][0]) != spoken.speaker:
                self._told[index] = replace(spoken, speaker=speaker)
                changed.append(self._told[index])
        return changed

    def _spoken(self, words: Sequence[Word], turns: Sequence[SpeakerTurn]) -> Iterator[SpokenWords]:
        for piece in assign_speakers([_segment(words)], turns):
            if piece.speaker is not None:
                yield SpokenWords(self._new_id(), piece.words, piece.speaker)


def _segment(words: Sequence[Word]) -> Segment:
    text = "".join(word.text for word in words)
    stop = max(word.stop for word in words)
    return Segment(words[0].start, stop, text, tuple(words), (), words[0].start, 0.0, 0.0, 1.0, 0.0)
