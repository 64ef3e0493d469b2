"""Merges the transcripts of a recording's channels, each channel a speaker, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from heapq import heappop, heappush, merge
from itertools import islice
from pathlib import Path

from models import SAMPLE_RATE, Segment, SpeakerTurn, SpokenLanguage, TokenCounts, Transcript
from utils.transcript.crosstalk import MAX_DISORDER, ChannelSegment, Loudness, without_crosstalk
from utils.transcript.segment_log import SegmentLog

MIN_PAUSE = 3 * SAMPLE_RATE // 10  # a shorter one does not end a turn
SEGMENTS_PER_STEP = 100


class ChannelMerger:
    """One transcript in order of time, a few segments per step. Speakers are numbered by channel; overlapping
    speech is all kept, but crosstalk is dropped. The segments of a long one are stored in `folder`."""

    def __init__(
        self, transcripts: Sequence[Transcript], loudness: Loudness, has_speakers: bool, folder: Path
    ) -> None:
        self._transcripts = transcripts
        self._has_speakers = has_speakers
        self._characters = [0] * len(transcripts)
        self._turns = [_Turns(channel) for channel in range(len(transcripts))]
        self._log = SegmentLog(folder)
        self._merged = _in_order(without_crosstalk(self._by_start(), loudness))

    def step(self) -> Transcript | None:
        """Merge some more; at the end, return the transcript. Raises OSError (disk full)."""
        merged = list(islice(self._merged, SEGMENTS_PER_STEP))
        if not merged:
            return self._result()
        for item in merged:
            self._turns[item.channel].add(item.segment)
            self._log.extend([_with_speaker(item) if self._has_speakers else item.segment])
        return None

    def _by_start(self) -> Iterator[ChannelSegment]:
        channels = [
            map(partial(ChannelSegment, channel), transcript.segments)
            for channel, transcript in enumerate(self._transcripts)
        ]
        for item in merge(*channels, key=lambda item: item.segment.start):
            self._characters[item.channel] += len(item.segment.text)
            yield item

    def _result(self) -> Transcript:
        lengths: Counter[str] = Counter()
        for transcript in self._transcripts:
            lengths.update({spoken.code: spoken.num_samples for spoken in transcript.languages})
        most = self._characters.index(max(self._characters))
        languages = SpokenLanguage.ranked(lengths)
        turns = [turn for of in self._turns for turn in of.turns] if self._has_speakers else []
        return Transcript(
            language=languages[0].code if languages else self._transcripts[most].language,
            num_samples=max(transcript.num_samples for transcript in self._transcripts),
            segments=self._log,
            turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.stop))),
            counts=sum((transcript.counts for transcript in self._transcripts), TokenCounts()),
            languages=languages,
        )


class _Turns:
    """The turns of one speaker: runs of words without a pause."""

    def __init__(self, speaker: int) -> None:
        self._speaker = speaker
        self.turns: list[SpeakerTurn] = []

    def add(self, segment: Segment) -> None:
        for item in segment.words or (segment,):
            last = self.turns[-1] if self.turns else None
            if last and item.start - last.stop < MIN_PAUSE:
                self.turns[-1] = replace(last, stop=max(last.stop, item.stop))
            else:
                self.turns.append(SpeakerTurn(item.start, item.stop, self._speaker))


def _in_order(kept: Iterable[tuple[ChannelSegment, Segment | None]]) -> Iterator[ChannelSegment]:
    """In order of start, then stop: a segment whose first words were crosstalk now starts later than some of
    those after it."""
    waiting: list[tuple[int, int, int, int, Segment]] = []  # a heap
    for number, (item, rest) in enumerate(kept):
        while waiting and waiting[0][0] < item.segment.start - MAX_DISORDER:
            yield _popped(waiting)
        if rest is not None:
            heappush(waiting, (rest.start, rest.stop, item.channel, number, rest))
    while waiting:
        yield _popped(waiting)


def _popped(waiting: list[tuple[int, int, int, int, Segment]]) -> ChannelSegment:
    *_, channel, _, segment = heappop(waiting)
    return ChannelSegment(channel, segment)


def _with_speaker(item: ChannelSegment) -> Segment:
    words = tuple(replace(word, speaker=item.channel) for word in item.segment.words)
    return replace(item.segment, words=words, speaker=item.channel)
