"""Human-readable speaker labels. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import overload

from models import Segment, Transcript


def speaker_label(number: int, names: Sequence[str | None] = ()) -> str:
    """The name of speaker `number`, or else a letter: A, B, … Z, AA, AB, …

    Only speakers without a name get letters, in order; a letter that is someone's name is skipped.
    """
    if number < len(names) and (name := names[number]) is not None:
        return name
    index = number - sum(name is not None for name in names[:number])
    unused = (letters for n in count() if (letters := _letters(n)) not in names)
    return next(islice(unused, index, None))


def without_speakers(transcript: Transcript) -> Transcript:
    """The transcript without its speakers."""
    return replace(transcript, segments=_SpeakerlessSegments(transcript.segments), turns=(), names=())


@dataclass(frozen=True, slots=True)
class _SpeakerlessSegments(Sequence[Segment]):
    """Segments without their speakers, mapped lazily as they may not fit into memory."""

    segments: Sequence[Segment]

    def __len__(self) -> int:
        return len(self.segments)

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        if isinstance(index, slice):
            return _SpeakerlessSegments(self.segments[index])
        return _without_speaker(self.segments[index])

    def __iter__(self) -> Iterator[Segment]:
        return map(_without_speaker, self.segments)


def _without_speaker(segment: Segment) -> Segment:
    words = tuple(replace(word, speaker=None) for word in segment.words)
    return replace(segment, speaker=None, words=words)


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        letters, number = chr(ord("A") + letter) + letters, number - 1
    return letters


def every_speaker(segments: Sequence[Segment]) -> Iterator[int]:
    """A speaker for each segment, as some formats require: one without a speaker takes that of the segment
    before, leading ones that of the first with one."""
    speaker = next((segment.speaker for segment in segments if segment.speaker is not None), 0)
    for segment in segments:
        speaker = speaker if segment.speaker is None else segment.speaker
        yield speaker
