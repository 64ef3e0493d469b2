"""Chunk results into one transcript: the overlap heard twice is told once, speakers get one name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from models import (
    ChunkResult,
    KnownVoices,
    Segment,
    Span,
    SpeakerCount,
    SpeakerTurn,
    TokenCounts,
    Transcript,
    Word,
)
from utils.segmentation import LONGEST_PAUSE, ends_sentence, with_words
from utils.speaker_assigner import assign_speakers
from utils.speaker_linker import link_speakers
from utils.voice_matching import match_voices, mean_speakers

NOBODY_KNOWN = KnownVoices()
SAME_MOMENT = LONGEST_PAUSE  # two hearings of one word are no farther apart than this


def merge(
    results: Sequence[ChunkResult], num_samples: int, count: SpeakerCount, known: KnownVoices = NOBODY_KNOWN
) -> Transcript:
    """One transcript of all chunks, in order. Speakers are numbered by first appearance."""
    segments = merge_segments(results)
    speakers = [result.speakers for result in results]
    numbers = link_speakers(speakers, count)
    turns = merge_turns(results, numbers)
    names: tuple[str | None, ...] = ()
    if turns:
        segments = assign_speakers(segments, turns)
        order = _order(segments, turns)
        voices = mean_speakers(speakers, numbers)
        named = match_voices({speaker: voices[speaker] for speaker in order}, known)
        names = tuple(named.get(speaker) for speaker in order) if named else ()
        segments, turns = _renumber(segments, turns, order)
    language = next((result.language for result in results if result.language), None)
    counts = sum((result.counts for result in results), TokenCounts())
    return Transcript(language, num_samples, tuple(segments), tuple(turns), counts, names)


def merge_segments(results: Sequence[ChunkResult]) -> list[Segment]:
    """The segments of all chunks without what two of them heard twice."""
    if not results:
        return []
    merged: list[Segment] = []
    tail = list(results[0].segments)
    for left, right in pairwise(results):
        shared = Span(right.chunk.heard.start, left.chunk.heard.stop)
        kept, incoming = _splice(tail, right.segments, shared, right.chunk.start)
        if kept and incoming and _is_cut_sentence(kept[-1], incoming[0]):
            half = kept.pop()
            incoming[0] = with_words(half, [*half.words, *incoming[0].words])
        merged += kept
        tail = incoming
    return merged + tail


def merge_turns(results: Sequence[ChunkResult], numbers: Sequence[Mapping[int, int]]) -> list[SpeakerTurn]:
    """Turns with speakers of the recording, each chunk's within its own bounds, rejoined at the cuts."""
    pieces = [
        SpeakerTurn(
            max(turn.start, result.chunk.start), min(turn.stop, result.chunk.stop), number[turn.speaker]
        )
        for result, number in zip(results, numbers, strict=True)
        for turn in result.speakers.turns
        if turn.start < result.chunk.stop and turn.stop > result.chunk.start
    ]
    turns: list[SpeakerTurn] = []
    latest: dict[int, int] = {}  # speaker: where the last turn is
    for piece in sorted(pieces, key=lambda turn: (turn.start, turn.stop)):
        index = latest.get(piece.speaker)
        if index is not None and piece.start <= turns[index].stop:
            turns[index] = replace(turns[index], stop=max(turns[index].stop, piece.stop))
        else:
            latest[piece.speaker] = len(turns)
            turns.append(piece)
    return turns


Item = tuple[int, Word | Segment]
"""A word, or a segment that has none, with the index of its segment."""


def _splice(
    left: Sequence[Segment], right: Sequence[Segment], shared: Span, cut: int
) -> tuple[list[Segment], list[Segment]]:
    """What to keep of either side: up to and after the commonly heard word nearest to the cut, or what
    lies before and after the cut itself where the two heard no word in common."""
    ours, theirs = _items(left), _items(right)
    if match := _nearest_match(ours, theirs, shared, cut):
        ours, theirs = ours[: match[0] + 1], theirs[match[1] + 1 :]
    else:
        ours = [item for item in ours if _middle(item[1]) < cut]
        theirs = [item for item in theirs if _middle(item[1]) >= cut]
    return _rebuild(left, ours), _rebuild(right, theirs)


def _nearest_match(
    ours: Sequence[Item], theirs: Sequence[Item], shared: Span, cut: int
) -> tuple[int, int] | None:
    """Indices of the word nearest to the cut of those that both heard."""
    first = [i for i, (_, item) in enumerate(ours) if _in(item, shared)]
    second = [i for i, (_, item) in enumerate(theirs) if _in(item, shared)]
    pairs = _aligned([ours[i][1] for i in first], [theirs[i][1] for i in second])
    return min(
        ((first[i], second[j]) for i, j in pairs),
        key=lambda pair: abs(_middle(ours[pair[0]][1]) + _middle(theirs[pair[1]][1]) - 2 * cut),
        default=None,
    )


def _aligned(ours: Sequence[Word | Segment], theirs: Sequence[Word | Segment]) -> list[tuple[int, int]]:
    """Index pairs of equal words in one order, as many and as close in time as can be.

    A longest common subsequence (Wagner and Fischer, 1974) whose matches weigh less the farther apart
    they were heard, so that of repeated words the right ones meet.
    """
    spelled = [_spelling(item) for item in ours], [_spelling(item) for item in theirs]
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]

    def gain(i: int, j: int) -> float:
        apart = abs(_middle(ours[i]) - _middle(theirs[j]))
        return 1 - apart / SAME_MOMENT if spelled[0][i] == spelled[1][j] else 0.0

    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + gain(i, j))
    pairs, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        if gain(i, j) > 0 and best[i][j] == best[i + 1][j + 1] + gain(i, j):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _items(segments: Sequence[Segment]) -> list[Item]:
    return [(i, item) for i, segment in enumerate(segments) for item in segment.words or (segment,)]


def _rebuild(segments: Sequence[Segment], items: Iterable[Item]) -> list[Segment]:
    rebuilt = []
    for index, group in groupby(items, key=lambda item: item[0]):
        words = [item for _, item in group if isinstance(item, Word)]
        rebuilt.append(with_words(segments[index], words) if words else segments[index])
    return rebuilt


def _is_cut_sentence(left: Segment, right: Segment) -> bool:
    """Whether two segments are halves of one sentence that a cut went through."""
    near = right.start - left.stop <= LONGEST_PAUSE
    return bool(left.words and right.words) and near and not ends_sentence(left.text)


def _in(item: Word | Segment, span: Span) -> bool:
    return isinstance(item, Word) and span.start <= _middle(item) < span.stop


def _middle(item: Word | Segment) -> int:
    return (item.start + item.stop) // 2


def _spelling(item: Word | Segment) -> str:
    letters = "".join(letter for letter in item.text.casefold() if letter.isalnum())
    return letters or item.text.strip()


def _order(segments: Sequence[Segment], turns: Sequence[SpeakerTurn]) -> dict[int, int]:
    """Speakers to numbers in order of their first words, then those who were only heard."""
    heard = [segment.speaker for segment in segments] + [turn.speaker for turn in turns]
    return {speaker: n for n, speaker in enumerate(dict.fromkeys(s for s in heard if s is not None))}


def _renumber(
    segments: Sequence[Segment], turns: Sequence[SpeakerTurn], order: Mapping[int, int]
) -> tuple[list[Segment], list[SpeakerTurn]]:
    def renamed(segment: Segment) -> Segment:
        if segment.speaker is None:
            return segment
        number = order[segment.speaker]
        words = tuple(replace(word, speaker=number) for word in segment.words)
        return replace(segment, speaker=number, words=words)

    return [renamed(s) for s in segments], [replace(turn, speaker=order[turn.speaker]) for turn in turns]
