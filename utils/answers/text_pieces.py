"""The text of a transcript in pieces: that of a day takes megabytes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models import Segment


class Stripper:
    """Strips a text that comes in pieces: all that `feed` returns adds up to the text, stripped."""

    def __init__(self) -> None:
        self._space: str | None = None  # held back until something follows it; None before the first word

    def feed(self, piece: str) -> str:
        """What can be said of the text after one more piece; empty if that is only space."""
        if stripped := piece.strip():
            before = "" if self._space is None else self._space + piece[: len(piece) - len(piece.lstrip())]
            self._space = piece[len(piece.rstrip()) :]
            return before + stripped
        if self._space is not None:
            self._space += piece
        return ""


def text_of(segments: Iterable[Segment]) -> Iterator[str]:
    """The text of all segments, stripped, in one piece for each segment."""
    stripper = Stripper()
    return filter(None, (stripper.feed(segment.text) for segment in segments))
