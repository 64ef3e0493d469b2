"""Merges chunk results into one transcript, with speakers linked across chunks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from models import (
    NO_KNOWN_VOICES,
    ChunkResult,
    KnownVoices,
    Segment,
    SpeakerTurn,
    SpokenLanguage,
    TokenCounts,
    Transcript,
)
from options import SpeakerCount
from utils.speakers.assignment import assign_speakers
from utils.speakers.linking import resolve_speakers
from utils.speakers.voice_matching import match_voices, mean_speakers


def merge(
    results: Sequence[ChunkResult],
    segments: Iterable[Segment],
    count: SpeakerCount,
    known: KnownVoices = NO_KNOWN_VOICES,
    collect: Callable[[Iterable[Segment]], Sequence[Segment]] = tuple,
) -> Transcript:
    """One transcript of all chunks, which come in order. Speakers are numbered by first appearance.

    `segments` are those of all chunks as SegmentMerger emits them; they are consumed lazily, and `collect`
    decides where they are stored.
    """
    speakers, numbers = resolve_speakers([result.speakers for result in results], count)
    lengths: Counter[str] = Counter()
    segments = _measured(segments, lengths)
    turns = merge_turns(
        [replace(result, speakers=found) for result, found in zip(results, speakers, strict=True)], numbers
    )
    names: tuple[str | None, ...] = ()
    if turns:
        order: dict[int, int] = {}
        merged = collect(_renumbered(assign_speakers(segments, turns), order))
        turns = [replace(turn, speaker=_number(turn.speaker, order)) for turn in turns]
        voices = mean_speakers(speakers, numbers)
        named = match_voices({speaker: voices[speaker] for speaker in order}, known)
        names = tuple(named.get(speaker) for speaker in order) if named else ()
    else:
        merged = collect(segments)
    languages = SpokenLanguage.ranked(lengths)
    first = next((result.language for result in results if result.language), None)
    language = languages[0].code if languages else first
    counts = sum((result.counts for result in results), TokenCounts())
    num_samples = results[-1].chunk.stop if results else 0
    return Transcript(language, num_samples, merged, tuple(turns), counts, names, languages)


def merge_turns(results: Sequence[ChunkResult], numbers: Sequence[Mapping[int, int]]) -> list[SpeakerTurn]:
    """Turns with recording-wide speakers, each chunk's clipped to its own bounds and rejoined at the cuts."""
    pieces = [
        SpeakerTurn(
            max(turn.start, result.chunk.start), min(turn.stop, result.chunk.stop), number[turn.speaker]
        )
        for result, number in zip(results, numbers, strict=True)
        for turn in result.speakers.turns
        if turn.start < result.chunk.stop and turn.stop > result.chunk.start
    ]
    turns: list[SpeakerTurn] = []
    latest: dict[int, int] = {}  # speaker: index of its latest turn
    for piece in sorted(pieces, key=lambda turn: (turn.start, turn.stop)):
        index = latest.get(piece.speaker)
        if index is not None and piece.start <= turns[index].stop:
            turns[index] = replace(turns[index], stop=max(turns[index].stop, piece.stop))
        else:
            latest[piece.speaker] = len(turns)
            turns.append(piece)
    return turns


def _measured(segments: Iterable[Segment], lengths: Counter[str]) -> Iterator[Segment]:
    """The segments; `lengths` records the samples in each language."""
    for segment in segments:
        if segment.language:
            lengths[segment.language] += segment.stop - segment.start
        yield segment


def _renumbered(segments: Iterable[Segment], order: dict[int, int]) -> Iterator[Segment]:
    """The segments with speakers renumbered by first appearance, which `order` records."""
    for segment in segments:
        if segment.speaker is None:
            yield segment
            continue
        number = _number(segment.speaker, order)
        words = tuple(replace(word, speaker=number) for word in segment.words)
        yield replace(segment, speaker=number, words=words)


def _number(speaker: int, order: dict[int, int]) -> int:
    return order.setdefault(speaker, len(order))
