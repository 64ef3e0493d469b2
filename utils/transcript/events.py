"""What happens while a recording is transcribed, for those who do not wait for the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from models import ChunkResult, Segment, Transcript
from utils.speakers.labels import every_speaker, speaker_label
from utils.transcript.segment_log import in_pages


@dataclass(frozen=True, slots=True)
class Settled:
    """Segments in which nothing said will change. Those of all such events make up the transcript's text."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """Settled segments once more, as soon as it is known who speaks, cut where speakers change. They are
    numbered for the time being; `labels` are what the numbers are called, and stay so to the end."""

    segments: tuple[Segment, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. `speaker_map` has the labels that were announced and are others in the transcript."""

    transcript: Transcript
    speaker_map: Mapping[str, str]


Event: TypeAlias = Settled | Announced | ChunkResult | Finished


def events_of(transcript: Transcript) -> Iterator[Event]:
    """What happens where nothing can be said before the end."""
    segments = transcript.segments
    for part in in_pages(segments):
        yield Settled(part)
    if any(segment.speaker is not None for segment in segments):
        last = max(every_speaker(segments))
        labels = tuple(speaker_label(number, transcript.names) for number in range(last + 1))
        spoken = zip(segments, every_speaker(segments), strict=True)
        for part in in_pages(replace(segment, speaker=speaker) for segment, speaker in spoken):
            yield Announced(part, labels)
    yield Finished(transcript, {})
