"""The text of a turn as its deltas tell it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models import Segment, Word
from utils.answers.text_pieces import Stripper
from utils.live.agreement import after


@dataclass(frozen=True, slots=True)
class Told:
    """Text that is settled, and what may follow it."""

    text: str
    interim: str


class RunningText:
    """A turn consists of windows. What is told of one waits until the text of those before it is settled:
    then the words that nobody had told yet come first.

    The judge is what was heard at the end. A window whose text does not begin with what was told of it gets
    no further delta, unless the deltas must add up: then what was told is kept.
    """

    def __init__(self, adds_up: bool) -> None:
        self._adds_up = adds_up
        self._stripper = Stripper()
        self._has_begun = False
        self._texts: list[str] = []  # of the windows that are settled
        self._waiting: deque[tuple[int, str, str]] = deque()

    @property
    def text(self) -> str:
        return "".join(self._texts).strip()

    def tell(self, window: int, new: Iterable[Word], rest: Iterable[Word]) -> list[Told]:
        """`new` words of a window are settled, and `rest` follows them, perhaps. What is to be told now."""
        self._waiting.append((window, _joined(new), _joined(rest)))
        return self._told()

    def settle(self, told: Sequence[Word], segments: Sequence[Segment]) -> list[Told]:
        """The next window, of which `told` was told, is settled. What is to be told now."""
        before, whole = _joined(told), "".join(segment.text for segment in segments)
        rest = whole[len(before) :] if whole.startswith(before) else ""
        if self._adds_up:
            rest = _joined(after(told, [word for segment in segments for word in segment.words]))
            whole = before + rest
        self._texts.append(whole)
        return [self._piece(rest, ""), *self._told()]

    def _told(self) -> list[Told]:
        told = []
        while self._waiting and self._waiting[0][0] <= len(self._texts):
            _, text, interim = self._waiting.popleft()
            told.append(self._piece(text, interim))
        return told

    def _piece(self, text: str, interim: str) -> Told:
        text = self._stripper.feed(text)
        self._has_begun = self._has_begun or bool(text)
        return Told(text, interim if self._has_begun else interim.lstrip())


def _joined(words: Iterable[Word]) -> str:
    return "".join(word.text for word in words)
