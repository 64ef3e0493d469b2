"""Finds words that leaked from one channel of a recording into another, in bounded memory. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from models import SAMPLE_RATE, Segment, Span, Word
from utils.words.sentences import LONGEST_PAUSE, with_words

BLEED = 0.5  # crosstalk is at least 6 dB weaker than in the speaker's own channel
MAX_WORD = 3 * SAMPLE_RATE
MAX_DISORDER = 2 * LONGEST_PAUSE  # how far a segment may start before the previous one, where chunks meet

Loudness = Callable[[int, Span], float]
"""RMS level of a channel over a span."""


@dataclass(frozen=True, slots=True)
class ChannelSegment:
    channel: int
    segment: Segment


def without_crosstalk(
    segments: Iterable[ChannelSegment], loudness: Loudness
) -> Iterator[tuple[ChannelSegment, Segment | None]]:
    """Each of the segments, which come in order of their starts over all channels, with what is left of it:
    without the words that another channel has at the same time and twice as loud, recognised alike in both.

    A segment is judged once all that may overlap it has been read.
    """
    words = _RecentWords(loudness)
    waiting: deque[ChannelSegment] = deque()
    for item in chain(segments, [None]):
        while waiting and (item is None or _is_past(item.segment, waiting[0].segment)):
            oldest = waiting.popleft()
            words.forget(oldest.segment.start - MAX_WORD - MAX_DISORDER)
            yield oldest, words.without_leaks(oldest)
        if item is not None:
            words.add(item)
            waiting.append(item)


def _is_past(latest: Segment, segment: Segment) -> bool:
    return latest.start >= segment.stop + MAX_DISORDER


class _RecentWords:
    """The words of all channels in a window of time."""

    def __init__(self, loudness: Loudness) -> None:
        self._loudness = loudness
        self._places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # sorted start, stop, channel
        self._by_age: deque[tuple[int, str]] = deque()  # start and normalised text

    def add(self, item: ChannelSegment) -> None:
        for word in item.segment.words:
            text = _normalised(word)
            insort(self._places[text], (word.start, word.stop, item.channel))
            self._by_age.append((word.start, text))

    def forget(self, before: int) -> None:
        """Drop the words that start before this."""
        while self._by_age and self._by_age[0][0] < before:
            _, text = self._by_age.popleft()
            self._places[text].pop(0)  # the earliest, so it starts before that too
            if not self._places[text]:
                del self._places[text]

    def without_leaks(self, item: ChannelSegment) -> Segment | None:
        segment = item.segment
        words = [word for word in segment.words if not self._is_leak(item.channel, word)]
        if len(words) == len(segment.words):
            return segment
        return with_words(segment, words) if words else None

    def _is_leak(self, channel: int, word: Word) -> bool:
        span = Span(word.start, word.stop)
        places = self._places[_normalised(word)]
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
