"""What the speakers of a recording are called where people read it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import overload

from models import Segment, Transcript


def speaker_label(number: int, names: Sequence[str | None] = ()) -> str:
    """The name of speaker `number`, or else a letter: A, B, … Z, AA, AB, …

    Letters go to those without a name only, in order, and never to two: a name that is a letter takes it.
    """
    if number < len(names) and (name := names[number]) is not None:
        return name
    place = number - sum(name is not None for name in names[:number])
    free = (letters for n in count() if (letters := _letters(n)) not in names)
    return next(islice(free, place, None))


def without_speakers(transcript: Transcript) -> Transcript:
    """What was said, with nobody to have said it."""
    return replace(transcript, segments=_Nameless(transcript.segments), turns=(), names=())


@dataclass(frozen=True, slots=True)
class _Nameless(Sequence[Segment]):
    """Others with nobody to have said them, made as they are read: they may not fit into memory."""

    segments: Sequence[Segment]

    def __len__(self) -> int:
        return len(self.segments)

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        if isinstance(index, slice):
            return _Nameless(self.segments[index])
        return _nameless(self.segments[index])

    def __iter__(self) -> Iterator[Segment]:
        return map(_nameless, self.segments)


def _nameless(segment: Segment) -> Segment:
    words = tuple(replace(word, speaker=None) for word in segment.words)
    return replace(segment, speaker=None, words=words)


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        letters, number = chr(ord("A") + letter) + letters, number - 1
    return letters


def every_speaker(segments: Sequence[Segment]) -> Iterator[int]:
    """A speaker for each segment, as some formats demand: what nobody was heard to say goes with what is
    before it, the beginning with what is after it."""
    speaker = next((segment.speaker for segment in segments if segment.speaker is not None), 0)
    for segment in segments:
        speaker = speaker if segment.speaker is None else segment.speaker
        yield speaker
