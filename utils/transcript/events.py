"""Events while a recording is transcribed, for callers that do not wait for the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from models import Chunk, ChunkPart, ChunkResult, Segment, Transcript
from utils.speakers.labels import speaker_label, with_every_speaker
from utils.transcript.segment_log import in_pages


@dataclass(frozen=True, slots=True)
class Settled:
    """Segments whose text is final. Those of all such events make up the transcript's text."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """Settled segments again, once their speakers are known, split where speakers change. Speaker numbers
    are provisional; `labels` has the label of each number, and those never change."""

    segments: tuple[Segment, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A part of a chunk, after the segments that it settled: whoever stores it can have the rest of the chunk
    done again without a change to those (`services/chunk_runner.py`)."""

    chunk: Chunk
    part: ChunkPart


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. `speaker_map` maps announced labels to those in the transcript where they differ."""

    transcript: Transcript
    speaker_map: Mapping[str, str]


Event: TypeAlias = Settled | Announced | Recognised | ChunkResult | Finished


def events_of(transcript: Transcript) -> Iterator[Event]:
    """The events of a transcript that could not be streamed. Reads the segments twice, page by page."""
    has_speakers = False
    for page in in_pages(transcript.segments):
        has_speakers = has_speakers or any(segment.speaker is not None for segment in page)
        yield Settled(page)
    if has_speakers:
        yield from _announced(transcript)
    yield Finished(transcript, {})


def _announced(transcript: Transcript) -> Iterator[Announced]:
    """Labels come with the first page that needs them."""
    labels: tuple[str, ...] = ()
    spoken = with_every_speaker(transcript.segments)
    for page in in_pages(replace(segment, speaker=speaker) for segment, speaker in spoken):
        last = max(segment.speaker or 0 for segment in page)
        unlabelled = range(len(labels), last + 1)
        labels += tuple(speaker_label(number, transcript.names) for number in unlabelled)
        yield Announced(page, labels)
