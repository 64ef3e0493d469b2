"""Chunk results into one transcript: the overlap heard twice is told once, speakers get one name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from models import NOBODY_KNOWN, ChunkResult, KnownVoices, Segment, SpeakerTurn, TokenCounts, Transcript
from options import SpeakerCount
from utils.segment_merger import SegmentMerger
from utils.speaker_assigner import assign_speakers
from utils.speaker_linker import tell_apart
from utils.voice_matching import match_voices, mean_speakers


def merge(
    results: Sequence[ChunkResult], num_samples: int, count: SpeakerCount, known: KnownVoices = NOBODY_KNOWN
) -> Transcript:
    """One transcript of all chunks, in order. Speakers are numbered by first appearance."""
    segments = merge_segments(results)
    speakers, numbers = tell_apart([result.speakers for result in results], count)
    turns = merge_turns(
        [replace(result, speakers=found) for result, found in zip(results, speakers, strict=True)], numbers
    )
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
    merger = SegmentMerger()
    merged = [
        segment
        for result in results
        for segment in merger.feed(result.chunk, result.segments, result.chunk.heard.stop)
    ]
    return merged + merger.finish()


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
