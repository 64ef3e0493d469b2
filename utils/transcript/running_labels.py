"""Speaker labels while a recording is still transcribed: an announced label never changes. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from models import ChunkResult, ChunkSpeakers, KnownVoices, Segment, Transcript, Voice, Word
from options import SpeakerCount
from utils.chunk_merger import merge_turns
from utils.speakers.assignment import REACH, assign_speakers
from utils.speakers.labels import speaker_label, unused_letter
from utils.speakers.linking import link_speakers
from utils.speakers.voice_matching import match_voices, mean_speakers
from utils.transcript.events import Announced


class RunningSpeakers:
    """Links the speakers of each chunk to those found so far, or numbers them as new.

    Those found so far count as one more chunk, so that the rules of the final linking apply and no two of
    them are ever merged.
    """

    def __init__(self, maximum: int | None) -> None:
        self._count = SpeakerCount(1, maximum)
        self.so_far = ChunkSpeakers()

    def add(self, chunk: ChunkSpeakers) -> dict[int, int]:
        """The chunk's speakers as speakers of the recording."""
        numbers = link_chunk(self.so_far, chunk, self._count, count(len(self.so_far.voices)))
        self.so_far = with_chunk(self.so_far, chunk, numbers)
        return numbers


def link_chunk(
    so_far: ChunkSpeakers, chunk: ChunkSpeakers, bounds: SpeakerCount, unused: Iterator[int]
) -> dict[int, int]:
    """The chunk's speakers as speakers so far, or with the next of the `unused` numbers."""
    known, linked = link_speakers([so_far, chunk], bounds)
    by_group = {group: speaker for speaker, group in known.items()}
    return {
        speaker: by_group[group] if group in by_group else by_group.setdefault(group, next(unused))
        for speaker, group in sorted(linked.items(), key=lambda item: item[1])
    }


def with_chunk(so_far: ChunkSpeakers, chunk: ChunkSpeakers, numbers: Mapping[int, int]) -> ChunkSpeakers:
    """The voices of all chunks, but the turns of the last one only: the next chunk overlaps no other."""
    spoken = Counter({voice.speaker: voice.num_samples for voice in so_far.voices})
    for voice in chunk.voices:
        spoken[numbers[voice.speaker]] += voice.num_samples
    means = mean_speakers([so_far, chunk], [{speaker: speaker for speaker in spoken}, numbers])
    return replace(
        chunk,
        turns=tuple(replace(turn, speaker=numbers[turn.speaker]) for turn in chunk.turns),
        voices=tuple(Voice(speaker, spoken[speaker], means[speaker]) for speaker in means),
    )


class RunningLabels:
    """Labels settled segments; speakers are numbered by first appearance."""

    def __init__(self, count: SpeakerCount, known: KnownVoices) -> None:
        self._speakers = RunningSpeakers(count.maximum)
        self._known = known
        self._recent: list[tuple[ChunkResult, Mapping[int, int]]] = []  # chunks with unannounced segments
        self._order: dict[int, int] = {}  # speaker: number
        self._labels: list[str] = []
        self._current = 0  # the last speaker
        self._announced = array("i")  # speaker of each item, as announced

    def add(self, result: ChunkResult) -> None:
        """Add the speakers of the next chunk."""
        self._recent.append((result, self._speakers.add(result.speakers)))

    def announce(self, segments: Sequence[Segment]) -> Announced:
        """The next segments, at least one, with their speakers; all of their chunks have been added.
        Speech without a speaker goes to the previous one, as in the transcript."""
        turns = merge_turns([result for result, _ in self._recent], [numbers for _, numbers in self._recent])
        pieces = assign_speakers(segments, turns)
        announced = tuple(replace(piece, speaker=self._number(piece.speaker)) for piece in pieces)
        for piece in announced:
            self._announced.extend([piece.speaker or 0] * max(1, len(piece.words)))
        earliest = segments[-1].stop - REACH
        self._recent = [pair for pair in self._recent if pair[0].chunk.stop > earliest]
        return Announced(announced, tuple(self._labels))

    def speaker_map(self, transcript: Transcript) -> dict[str, str]:
        """Maps labels that differ in the transcript to the final label of most of their speech."""
        shares: dict[str, Counter[str]] = {label: Counter() for label in self._labels}
        for old, (item, new) in zip(self._announced, _items(transcript.segments), strict=True):
            if new is not None:
                shares[self._labels[old]][speaker_label(new, transcript.names)] += item.stop - item.start + 1
        finals = {label: share.most_common(1)[0][0] for label, share in shares.items() if share}
        return {label: final for label, final in finals.items() if label != final}

    def _number(self, speaker: int | None) -> int:
        if speaker is not None:
            self._current = self._order.setdefault(speaker, len(self._order))
        if self._current == len(self._labels):
            self._labels.append(self._new_label(speaker))
        return self._current

    def _new_label(self, speaker: int | None) -> str:
        """A known name, or the next unused letter."""
        voices = {voice.speaker: voice.embedding for voice in self._speakers.so_far.voices}
        name = match_voices(voices, self._known).get(speaker) if speaker is not None else None
        if name is not None and name not in self._labels:
            return name
        taken = {*self._labels, *(voice.name for voice in self._known.voices)}
        return unused_letter(taken)


def _items(segments: Iterable[Segment]) -> Iterator[tuple[Word | Segment, int | None]]:
    """Words, and segments without words, with their speakers: the same however segments are split."""
    return ((item, segment.speaker) for segment in segments for item in segment.words or (segment,))
