"""Human-readable speaker labels. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import overload

from models import Segment, Transcript
from utils.words.sentences import with_words


def speaker_label(number: int, names: Sequence[str | None] = ()) -> str:
    """The name of speaker `number`, or else a letter: A, B, … Z, AA, AB, …

    Only speakers without a name get letters, in order; a letter that is someone's name is skipped.
    """
    if number < len(names) and (name := names[number]) is not None:
        return name
    index = number - sum(name is not None for name in names[:number])
    unused = (letters for n in count() if (letters := _letters(n)) not in names)
    return next(islice(unused, index, None))


def unused_letter(taken: Container[str]) -> str:
    """The first of A, B, … that is not taken."""
    return next(letters for n in count() if (letters := _letters(n)) not in taken)


def without_speakers(transcript: Transcript) -> Transcript:
    """The transcript without its speakers, as if they had not been diarized."""
    return replace(transcript, segments=_SpeakerlessSegments(transcript.segments), turns=(), names=())


@dataclass(frozen=True, slots=True)
class _SpeakerlessSegments(Sequence[Segment]):
    """Segments without their speakers, those that were cut where speakers change joined again. Made lazily,
    as they may not fit into memory; only to be iterated over, since all else takes as long."""

    segments: Sequence[Segment]

    def __len__(self) -> int:
        return sum(not segment.continues for segment in self.segments)

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        return tuple(self)[index]

    def __iter__(self) -> Iterator[Segment]:
        pieces: list[Segment] = []
        for segment in self.segments:
            if pieces and not segment.continues:
                yield _without_speaker(pieces)
                pieces = []
            pieces.append(segment)
        if pieces:
            yield _without_speaker(pieces)


def _without_speaker(pieces: Sequence[Segment]) -> Segment:
    """The segment that the pieces were cut from."""
    words = [replace(word, speaker=None) for piece in pieces for word in piece.words]
    whole = with_words(pieces[0], words) if len(pieces) > 1 else replace(pieces[0], words=tuple(words))
    return replace(whole, speaker=None, continues=False)


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        letters, number = chr(ord("A") + letter) + letters, number - 1
    return letters


def with_every_speaker(segments: Sequence[Segment]) -> Iterator[tuple[Segment, int]]:
    """A speaker for each segment, as some formats require: one without a speaker takes that of the segment
    before, leading ones that of the first with one."""
    speaker = next((segment.speaker for segment in segments if segment.speaker is not None), 0)
    for segment in segments:
        speaker = speaker if segment.speaker is None else segment.speaker
        yield segment, speaker
