"""Transcripts of the channels of one recording into one, each channel a speaker. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from models import SAMPLE_RATE, Segment, Span, SpeakerTurn, TokenCounts, Transcript, Word
from utils.words.sentences import with_words

BLEED = 0.5  # a voice that leaks into another's channel is at least 6 dB weaker there
LONGEST_WORD = 3 * SAMPLE_RATE
SHORTEST_PAUSE = 3 * SAMPLE_RATE // 10  # a shorter one does not end a turn

Loudness = Callable[[int, Span], float]
"""How loud a channel is over a span, as root mean square."""


def merge_channels(transcripts: Sequence[Transcript], loudness: Loudness, has_speakers: bool) -> Transcript:
    """One transcript by time. Speakers are numbered by channel; people who speak at once are all kept.

    A word that another channel has at the same time and twice as loud is dropped: it leaked.
    """
    leaks = _Leaks(transcripts, loudness)
    merged: list[Segment] = []
    turns: list[SpeakerTurn] = []
    for channel, transcript in enumerate(transcripts):
        kept = list(leaks.mended(channel, transcript.segments))
        merged += [_said_by(segment, channel if has_speakers else None) for segment in kept]
        turns += _turns(channel, kept) if has_speakers else []
    return Transcript(
        language=max(transcripts, key=lambda transcript: len(transcript.text)).language,
        num_samples=max(transcript.num_samples for transcript in transcripts),
        segments=tuple(sorted(merged, key=lambda segment: (segment.start, segment.stop))),
        turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.stop))),
        counts=sum((transcript.counts for transcript in transcripts), TokenCounts()),
    )


class _Leaks:
    """Finds the words of a channel that another one leaked into it: only where both were recognised alike."""

    def __init__(self, transcripts: Sequence[Transcript], loudness: Loudness) -> None:
        self._loudness = loudness
        self._heard: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # (start, stop, channel)
        for channel, transcript in enumerate(transcripts):
            for word in transcript.words:
                self._heard[_spelling(word)].append((word.start, word.stop, channel))
        for places in self._heard.values():
            places.sort()

    def mended(self, channel: int, segments: Sequence[Segment]) -> Iterator[Segment]:
        """The segments without the words that leaked."""
        for segment in segments:
            words = [word for word in segment.words if not self._is_leak(channel, word)]
            if len(words) == len(segment.words):
                yield segment
            elif words:
                yield with_words(segment, words)

    def _is_leak(self, channel: int, word: Word) -> bool:
        span = Span(word.start, word.stop)
        places = self._heard[_spelling(word)]
        first = bisect_left(places, (word.start - LONGEST_WORD,))
        last = bisect_left(places, (word.stop,))
        return any(
            other != channel
            and 2 * (min(word.stop, stop) - max(word.start, start)) >= min(span.num_samples, stop - start)
            and self._loudness(channel, span) <= BLEED * self._loudness(other, span)
            for start, stop, other in places[first:last]
        )


def _spelling(word: Word) -> str:
    return "".join(letter for letter in word.text.casefold() if letter.isalnum())


def _said_by(segment: Segment, speaker: int | None) -> Segment:
    words = tuple(replace(word, speaker=speaker) for word in segment.words)
    return replace(segment, words=words, speaker=speaker)


def _turns(speaker: int, segments: Sequence[Segment]) -> list[SpeakerTurn]:
    """When one speaker is heard: words without a pause between them."""
    turns: list[SpeakerTurn] = []
    for item in [item for segment in segments for item in segment.words or (segment,)]:
        if turns and item.start - turns[-1].stop < SHORTEST_PAUSE:
            turns[-1] = replace(turns[-1], stop=max(turns[-1].stop, item.stop))
        else:
            turns.append(SpeakerTurn(item.start, item.stop, speaker))
    return turns
