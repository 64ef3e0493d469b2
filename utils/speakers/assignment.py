"""Assigns words to speakers and cuts segments where the speaker changes. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby

from models import SAMPLE_RATE, Segment, SpeakerTurn, Word
from utils.words.punctuation import MARKS
from utils.words.sentences import CLOSERS, with_words

REACH = SAMPLE_RATE  # a word in a gap goes to the nearest turn within this distance
EDGE = SAMPLE_RATE * 3 // 10  # a word this close to a speaker change may belong to either side
LONGEST_INTERJECTION = 2 * SAMPLE_RATE
MIN_FIT = 0.5  # intersection over union above which a phrase belongs to a short turn


def assign_speakers(segments: Iterable[Segment], turns: Sequence[SpeakerTurn]) -> Iterator[Segment]:
    """Assigns a speaker to every word and cuts segments at each change, so that none has two speakers.

    A word goes to the turn that covers most of it; words at the edge of a turn go to the main speaker of
    their sentence; a phrase that fits a short turn goes to that turn, whoever else talks meanwhile; a segment
    without words goes to the turn that covers most of it.
    """
    timeline = _Timeline(turns)
    for segment in segments:
        yield from _split(segment, timeline.near(segment.start - REACH, segment.stop + REACH))


class _Timeline:
    """Turns in order, indexed by time."""

    def __init__(self, turns: Sequence[SpeakerTurn]) -> None:
        self._turns = sorted(turns, key=lambda turn: (turn.start, turn.stop, turn.speaker))
        self._starts = [turn.start for turn in self._turns]
        self._latest_stops = list(accumulate((turn.stop for turn in self._turns), max))

    def near(self, start: int, stop: int) -> list[SpeakerTurn]:
        """Turns that intersect `[start, stop)`."""
        first, last = bisect_right(self._latest_stops, start), bisect_left(self._starts, stop)
        return [turn for turn in self._turns[first:last] if turn.stop > start]


def _split(segment: Segment, nearby: Sequence[SpeakerTurn]) -> Iterator[Segment]:
    if not segment.words:
        yield replace(segment, speaker=_speaker_of(segment.start, segment.stop, nearby))
        return
    words = [replace(word, speaker=_speaker_of(word.start, word.stop, nearby)) for word in segment.words]
    settled = [
        word
        for phrase in _phrases(_settle_edges(words, nearby))
        for word in _assign_interjection(phrase, nearby)
    ]
    runs = groupby(_fill(settled), key=lambda word: word.speaker)
    for number, (speaker, run) in enumerate(runs):
        yield replace(with_words(segment, list(run)), speaker=speaker, continues=number > 0)


def _speaker_of(start: int, stop: int, turns: Sequence[SpeakerTurn]) -> int | None:
    """The speaker with most of `[start, stop)`, on a tie the one with the longest turn, since a recogniser
    transcribes the dominant one of overlapping voices. Else the nearest within `REACH`, else None."""
    shares: Counter[int] = Counter()
    longest: dict[int, int] = {}
    for turn in turns:
        if (share := min(stop, turn.stop) - max(start, turn.start)) > 0:
            shares[turn.speaker] += share
            longest[turn.speaker] = max(turn.stop - turn.start, longest.get(turn.speaker, 0))
    if shares:
        return max(shares, key=lambda speaker: (shares[speaker], longest[speaker], -speaker))
    near = min(turns, key=lambda turn: max(turn.start - stop, start - turn.stop), default=None)
    return near.speaker if near and max(near.start - stop, start - near.stop) <= REACH else None


def _settle_edges(sentence: list[Word], turns: Sequence[SpeakerTurn]) -> list[Word]:
    """Reassigns stray words at the ends of a sentence to its main speaker if they lie at a change to or from
    that speaker. Words deeper inside another speaker's turn stay there: interjections survive."""
    spoken: Counter[int | None] = Counter()
    for word in sentence:
        spoken[word.speaker] += word.stop - word.start + 1
    main = max(spoken, key=lambda speaker: spoken[speaker])
    begins = [turn.start for turn in turns if turn.speaker == main]
    ends = [turn.stop for turn in turns if turn.speaker == main]
    first, last = 0, len(sentence)
    while first < last and _is_stray(sentence[first], main, begins):
        first += 1
    while last > first and _is_stray(sentence[last - 1], main, ends):
        last -= 1
    return [
        word if first <= index < last else replace(word, speaker=main) for index, word in enumerate(sentence)
    ]


def _is_stray(word: Word, main: int | None, changes: Sequence[int]) -> bool:
    """Whether a word is not the main speaker's and lies entirely within `EDGE` of one of `changes`."""
    near = any(moment - EDGE <= word.start and word.stop <= moment + EDGE for moment in changes)
    return word.speaker != main and near


def _phrases(sentence: Sequence[Word]) -> Iterator[list[Word]]:
    """Splits at each punctuation mark and each change of speaker."""
    phrase: list[Word] = []
    for word in sentence:
        if phrase and (_ends_phrase(phrase[-1]) or phrase[-1].speaker != word.speaker):
            yield phrase
            phrase = []
        phrase.append(word)
    yield phrase


def _ends_phrase(word: Word) -> bool:
    return word.text.rstrip(CLOSERS).endswith(MARKS)


def _assign_interjection(phrase: Sequence[Word], turns: Sequence[SpeakerTurn]) -> list[Word]:
    """A short turn inside a long one covers its words no better than the long one, but fits them better."""
    short = [turn for turn in turns if turn.stop - turn.start <= LONGEST_INTERJECTION]
    best = max(short, key=lambda turn: _fit(phrase, turn), default=None)
    if best is None or _fit(phrase, best) <= MIN_FIT:
        return list(phrase)
    return [replace(word, speaker=best.speaker) for word in phrase]


def _fit(phrase: Sequence[Word], turn: SpeakerTurn) -> float:
    """Intersection over union; 0 if a word lies mostly outside the turn."""
    if any(not turn.start <= (word.start + word.stop) // 2 < turn.stop for word in phrase):
        return 0.0
    start, stop = phrase[0].start, max(word.stop for word in phrase)
    shared = min(stop, turn.stop) - max(start, turn.start)
    return shared / (max(stop, turn.stop) - min(start, turn.start))


def _fill(words: Sequence[Word]) -> list[Word]:
    """Words without a speaker take that of the word before, leading ones that of the first word with one."""
    known = next((word.speaker for word in words if word.speaker is not None), None)
    filled = []
    for word in words:
        known = known if word.speaker is None else word.speaker
        filled.append(replace(word, speaker=known))
    return filled
