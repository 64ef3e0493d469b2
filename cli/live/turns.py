"""What the events of a live session leave to be shown: lines that are complete, and lines of open turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, TypeAlias

from utils.answers.line_breaks import clean

TRANSCRIPTION = "conversation.item.input_audio_transcription."


@dataclass(frozen=True, slots=True)
class Line:
    """What one speaker said; `unsettled` comes after `text` and may still be replaced."""

    text: str
    speaker: str = ""
    unsettled: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn without its transcript: its deltas, and those of its words whose speaker is known."""

    settled: str = ""
    unsettled: str = ""
    segments: Mapping[str, Line] = field(default_factory=dict)  # by their ids

    def lines(self) -> list[Line]:
        labelled = self.labelled()
        rest = _after(sum(_letters(line.text) for line in labelled), self.settled).lstrip()
        if rest or self.unsettled:
            labelled.append(Line(rest, unsettled=self.unsettled if rest else self.unsettled.lstrip()))
        return labelled

    def completed(self, transcript: str, words: Iterable[tuple[str, str]]) -> list[Line]:
        """By the speakers of its words, who come with them, or those of the segments, or nobody's."""
        if spoken := _spoken(transcript, words):
            return spoken
        labelled = self.labelled()
        if len(labelled) > 1:
            return labelled
        return [Line(transcript, labelled[0].speaker if labelled else "")] if transcript else []

    def labelled(self) -> list[Line]:
        """A line for each time that somebody else speaks."""
        return [
            Line(" ".join(line.text for line in lines), speaker)
            for speaker, lines in groupby(self.segments.values(), key=lambda line: line.speaker)
        ]


Turns: TypeAlias = Mapping[str, Turn]
"""The open turns by the ids of their items, in the order in which they began."""


def lines_of(turns: Turns) -> list[Line]:
    return [line for turn in turns.values() for line in turn.lines()]


def told(turns: Turns, event: Mapping[str, Any]) -> tuple[Turns, list[Line]]:
    """The open turns after an event of the server, and the lines of the turn that it completes."""
    kind = str(event.get("type", "")).removeprefix(TRANSCRIPTION)
    item = str(event.get("item_id", ""))
    turn = turns.get(item, Turn())
    if kind == "delta":
        settled = turn.settled + _text(event, "delta")
        return {**turns, item: replace(turn, settled=settled, unsettled=_text(event, "interim"))}, []
    if kind == "segment":
        line = Line(_text(event, "text").strip(), _text(event, "speaker"))
        segments = {**turn.segments, str(event.get("id", "")): line}
        return {**turns, item: replace(turn, segments=segments)}, []
    others = {name: other for name, other in turns.items() if name != item}
    if kind == "completed":
        words = ((_text(word, "word"), _text(word, "speaker")) for word in event.get("words") or ())
        return others, turn.completed(_text(event, "transcript").strip(), words)
    if kind == "failed":
        return others, [Line(f"[not transcribed: {_text(event.get('error') or {}, 'message')}]")]
    return turns, []


def _spoken(transcript: str, words: Iterable[tuple[str, str]]) -> list[Line]:
    """The transcript, cut where somebody else speaks; nothing if the words are not those of it."""
    lines, rest = [], transcript
    for speaker, said in groupby(words, key=lambda word: word[1]):
        before, rest = rest, _after(sum(_letters(word) for word, _ in said), rest)
        lines.append(Line(before[: len(before) - len(rest)].strip(), speaker))
    return [] if rest else lines


def _text(event: Mapping[str, Any], name: str) -> str:
    """Without control characters, which a terminal would obey."""
    return clean(str(event.get(name) or ""))


def _letters(text: str) -> int:
    return len("".join(text.split()))


def _after(letters: int, text: str) -> str:
    """What follows so many letters; white space does not count, as segments are written without it."""
    for position, sign in enumerate(text):
        if letters == 0:
            return text[position:]
        letters -= not sign.isspace()
    return ""
