"""Merges the transcripts of a recording's channels, each channel a speaker. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from models import SAMPLE_RATE, Segment, Span, SpeakerTurn, TokenCounts, Transcript, Word
from utils.words.sentences import with_words

BLEED = 0.5  # crosstalk is at least 6 dB weaker than in the speaker's own channel
MAX_WORD = 3 * SAMPLE_RATE
MIN_PAUSE = 3 * SAMPLE_RATE // 10  # a shorter one does not end a turn

Loudness = Callable[[int, Span], float]
"""RMS level of a channel over a span."""


def merge_channels(transcripts: Sequence[Transcript], loudness: Loudness, has_speakers: bool) -> Transcript:
    """One transcript in order of time. Speakers are numbered by channel; overlapping speech is all kept.

    A word that another channel has at the same time and twice as loud is dropped as crosstalk.
    """
    leaks = _Leaks(transcripts, loudness)
    merged: list[Segment] = []
    turns: list[SpeakerTurn] = []
    for channel, transcript in enumerate(transcripts):
        kept = list(leaks.without_leaks(channel, transcript.segments))
        merged += [_with_speaker(segment, channel if has_speakers else None) for segment in kept]
        turns += _turns(channel, kept) if has_speakers else []
    return Transcript(
        language=max(transcripts, key=lambda transcript: len(transcript.text)).language,
        num_samples=max(transcript.num_samples for transcript in transcripts),
        segments=tuple(sorted(merged, key=lambda segment: (segment.start, segment.stop))),
        turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.stop))),
        counts=sum((transcript.counts for transcript in transcripts), TokenCounts()),
    )


class _Leaks:
    """Finds words that leaked in from another channel: only those recognised alike in both."""

    def __init__(self, transcripts: Sequence[Transcript], loudness: Loudness) -> None:
        self._loudness = loudness
        self._occurrences: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # (start, stop, channel)
        for channel, transcript in enumerate(transcripts):
            for word in transcript.words:
                self._occurrences[_normalised(word)].append((word.start, word.stop, channel))
        for places in self._occurrences.values():
            places.sort()

    def without_leaks(self, channel: int, segments: Sequence[Segment]) -> Iterator[Segment]:
        """The segments of a channel without crosstalk."""
        for segment in segments:
            words = [word for word in segment.words if not self._is_leak(channel, word)]
            if len(words) == len(segment.words):
                yield segment
            elif words:
                yield with_words(segment, words)

    def _is_leak(self, channel: int, word: Word) -> bool:
        span = Span(word.start, word.stop)
        places = self._occurrences[_normalised(word)]
        first = bisect_left(places, (word.start - MAX_WORD,))
        last = bisect_left(places, (word.stop,))
        return any(
            other != channel
            and 2 * (min(word.stop, stop) - max(word.start, start)) >= min(span.num_samples, stop - start)
            and self._loudness(channel, span) <= BLEED * self._loudness(other, span)
            for start, stop, other in places[first:last]
        )


def _normalised(word: Word) -> str:
    return "".join(letter for letter in word.text.casefold() if letter.isalnum())


def _with_speaker(segment: Segment, speaker: int | None) -> Segment:
    words = tuple(replace(word, speaker=speaker) for word in segment.words)
    return replace(segment, words=words, speaker=speaker)


def _turns(speaker: int, segments: Sequence[Segment]) -> list[SpeakerTurn]:
    """The turns of one speaker: runs of words without a pause."""
    turns: list[SpeakerTurn] = []
    for item in [item for segment in segments for item in segment.words or (segment,)]:
        if turns and item.start - turns[-1].stop < MIN_PAUSE:
            turns[-1] = replace(turns[-1], stop=max(turns[-1].stop, item.stop))
        else:
            turns.append(SpeakerTurn(item.start, item.stop, speaker))
    return turns
