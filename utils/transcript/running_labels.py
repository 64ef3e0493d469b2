"""Who speaks, said while a recording goes on: a label once announced is never taken back. Pure."""

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
from utils.speakers.labels import speaker_label
from utils.speakers.linking import link_speakers
from utils.speakers.voice_matching import match_voices, mean_speakers
from utils.transcript.events import Announced


class RunningSpeakers:
    """Finds the speakers of each chunk among those heard so far, or numbers them anew.

    All who were heard so far count as one more chunk, so that they are linked by the same rules as chunks
    are in the end, and none of them ever becomes another.
    """

    def __init__(self, most: int | None) -> None:
        self._count = SpeakerCount(1, most)
        self.heard = ChunkSpeakers()

    def add(self, chunk: ChunkSpeakers) -> dict[int, int]:
        """The chunk's speakers as speakers of the recording."""
        before, now = link_speakers([self.heard, chunk], self._count)
        places = {group: speaker for speaker, group in before.items()}
        new = count(len(self.heard.voices))
        numbers = {
            speaker: places[group] if group in places else places.setdefault(group, next(new))
            for speaker, group in sorted(now.items(), key=lambda item: item[1])
        }
        self.heard = self._with(chunk, numbers)
        return numbers

    def _with(self, chunk: ChunkSpeakers, numbers: Mapping[int, int]) -> ChunkSpeakers:
        """The voices of all so far; of turns those of the last chunk, for the next one hears some of them."""
        spoken = Counter({voice.speaker: voice.num_samples for voice in self.heard.voices})
        for voice in chunk.voices:
            spoken[numbers[voice.speaker]] += voice.num_samples
        means = mean_speakers([self.heard, chunk], [{speaker: speaker for speaker in spoken}, numbers])
        return replace(
            chunk,
            turns=tuple(replace(turn, speaker=numbers[turn.speaker]) for turn in chunk.turns),
            voices=tuple(Voice(speaker, spoken[speaker], means[speaker]) for speaker in means),
        )


class RunningLabels:
    """Labels for segments as they are settled, in order of first appearance."""

    def __init__(self, count: SpeakerCount, known: KnownVoices) -> None:
        self._speakers = RunningSpeakers(count.maximum)
        self._known = known
        self._recent: list[tuple[ChunkResult, Mapping[int, int]]] = []  # what is unannounced lies in these
        self._order: dict[int, int] = {}  # speaker: number, by first words
        self._labels: list[str] = []
        self._current = 0  # who spoke last
        self._announced = array("i")  # who says each item, as announced

    def add(self, result: ChunkResult) -> None:
        """Takes in who speaks in the next chunk."""
        self._recent.append((result, self._speakers.add(result.speakers)))

    def announce(self, segments: Sequence[Segment]) -> Announced:
        """The next segments, at least one, with their speakers; all of their chunks have been added. What
        nobody was heard to say goes with what is before it, as in the transcript."""
        turns = merge_turns([of for of, _ in self._recent], [numbers for _, numbers in self._recent])
        pieces = assign_speakers(segments, turns)
        announced = tuple(replace(piece, speaker=self._number(piece.speaker)) for piece in pieces)
        for piece in announced:
            self._announced.extend([piece.speaker or 0] * max(1, len(piece.words)))
        earliest = segments[-1].stop - REACH
        self._recent = [pair for pair in self._recent if pair[0].chunk.stop > earliest]
        return Announced(announced, tuple(self._labels))

    def speaker_map(self, transcript: Transcript) -> dict[str, str]:
        """For the labels that became others in the transcript, the one that has most of what they said."""
        shares: dict[str, Counter[str]] = {label: Counter() for label in self._labels}
        for was, (item, now) in zip(self._announced, _items(transcript.segments), strict=True):
            if now is not None:
                shares[self._labels[was]][speaker_label(now, transcript.names)] += item.stop - item.start + 1
        finals = {label: share.most_common(1)[0][0] for label, share in shares.items() if share}
        return {label: final for label, final in finals.items() if label != final}

    def _number(self, speaker: int | None) -> int:
        if speaker is not None:
            self._current = self._order.setdefault(speaker, len(self._order))
        if self._current == len(self._labels):
            self._labels.append(self._new_label(speaker))
        return self._current

    def _new_label(self, speaker: int | None) -> str:
        """A known name, or the next letter that is nobody's."""
        voices = {voice.speaker: voice.embedding for voice in self._speakers.heard.voices}
        name = match_voices(voices, self._known).get(speaker) if speaker is not None else None
        if name is not None and name not in self._labels:
            return name
        taken = {*self._labels, *(voice.name for voice in self._known.voices)}
        return next(label for n in count() if (label := speaker_label(n)) not in taken)


def _items(segments: Iterable[Segment]) -> Iterator[tuple[Word | Segment, int | None]]:
    """Words, and segments that have none, with their speakers: the same ones however segments are cut."""
    return ((item, segment.speaker) for segment in segments for item in segment.words or (segment,))
