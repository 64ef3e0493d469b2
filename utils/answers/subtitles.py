"""Subtitle cues from word timestamps: two lines of up to 42 characters, up to 7 s, one speaker. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from models import SAMPLE_RATE, Segment, Word
from utils.words.sentences import ends_sentence

MAX_LINE = 42  # characters; this and the rest after the BBC and Netflix guidelines
MAX_LINES = 2
MAX_DURATION = 7 * SAMPLE_RATE
MIN_DURATION = SAMPLE_RATE // 25
MIN_SHOWN = SAMPLE_RATE  # shorter cues are extended to this if nothing follows
MAX_PAUSE = SAMPLE_RATE  # a longer pause ends a cue
CLAUSE_ENDS = (",", ";", ":", "，", "、", "；", "：", "—")


@dataclass(frozen=True, slots=True)
class Cue:
    """Times in samples; `lines` without the speaker's name."""

    start: int
    stop: int
    lines: tuple[str, ...]
    speaker: int | None


def make_cues(segments: Iterable[Segment], prefix_length: int = 0) -> Iterator[Cue]:
    """Cues in order, not overlapping. `prefix_length` characters of the first line are reserved for a name.

    Segments must have words.
    """
    parts = (words for phrase in _phrases(segments) for words in _fitting(phrase, prefix_length))
    return _without_overlap(_cue(words, prefix_length) for words in parts)


def _cue(words: Sequence[Word], prefix_length: int) -> Cue:
    stop = min(words[-1].stop, words[0].start + MAX_DURATION)
    return Cue(words[0].start, stop, tuple(_wrap(words, prefix_length)), words[0].speaker)


def _phrases(segments: Iterable[Segment]) -> Iterator[list[Word]]:
    """Words of one segment between two pauses; a cue never extends beyond."""
    for segment in segments:
        words = [word for piece in segment.words for word in _short_pieces(piece)]
        phrase: list[Word] = []
        for word in words:
            if phrase and word.start - phrase[-1].stop > MAX_PAUSE:
                yield phrase
                phrase = []
            phrase.append(word)
        if phrase:
            yield phrase


def _short_pieces(word: Word) -> Iterator[Word]:
    """A word longer than half a line (hostile, or in a script without spaces) in pieces of that length."""
    text = " ".join(word.text.split())
    lead = " " if word.text[:1].isspace() else ""
    size = MAX_LINE // 2
    for start in range(0, len(text), size) if len(text) > size else [0] if text else []:
        yield replace(word, text=(lead if start == 0 else "") + text[start : start + size])


def _fitting(words: Sequence[Word], prefix_length: int) -> Iterator[Sequence[Word]]:
    """Split a phrase at its best break until every part fits into a cue."""
    long = words[-1].stop - words[0].start > MAX_DURATION
    if len(words) == 1 or not (long or len(_wrap(words, prefix_length)) > MAX_LINES):
        yield words
        return
    cut = max(range(1, len(words)), key=lambda index: _break_quality(words, index))
    yield from _fitting(words[:cut], prefix_length)
    yield from _fitting(words[cut:], prefix_length)


def _break_quality(words: Sequence[Word], index: int) -> float:
    """How good a break before word `index` is: after a sentence, a clause, a pause; near the middle."""
    before, after = words[index - 1], words[index]
    text = before.text.rstrip()
    mark = 1.0 if ends_sentence(text) else 0.6 if text.endswith(CLAUSE_ENDS) else 0.0
    pause = min(1.0, max(0, after.start - before.stop) / MAX_PAUSE)
    within_word = 0.0 if after.text[:1].isspace() or not before.text.strip() else -0.5
    imbalance = abs(2 * index / len(words) - 1)
    return mark + pause + within_word - 1.5 * imbalance


def _wrap(words: Sequence[Word], prefix_length: int) -> list[str]:
    """Lines filled greedily, the first `prefix_length` shorter, then balanced if there are two."""
    lines = _fill(words, prefix_length, MAX_LINE)
    if len(lines) != MAX_LINES:
        return lines
    widest = MAX_LINE
    while (
        widest > max(1, prefix_length)
        and len(balanced := _fill(words, prefix_length, widest - 1)) == MAX_LINES
    ):
        lines, widest = balanced, widest - 1
    return lines


def _fill(words: Sequence[Word], prefix_length: int, width: int) -> list[str]:
    lines = [""]
    for word in words:
        room = width - (prefix_length if len(lines) == 1 else 0)
        grown = (lines[-1] + word.text).strip() if not lines[-1] else lines[-1] + word.text
        if len(grown) > room and lines[-1]:
            lines.append(word.text.strip())
        else:
            lines[-1] = grown
    return lines


def _without_overlap(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Each cue ends before the next begins; short ones are extended where there is room."""
    earliest = 0
    rest = iter(cues)
    following = next(rest, None)
    while cue := following:
        following = next(rest, None)
        start = max(cue.start, earliest)
        stop = max(cue.stop, start + MIN_SHOWN)
        if following:
            stop = max(min(stop, following.start), start + MIN_DURATION)
        yield replace(cue, start=start, stop=stop)
        earliest = stop
