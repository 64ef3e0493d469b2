"""Builds a transcript incrementally: chunk results become events, then the whole transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from models import Chunk, ChunkPart, ChunkResult, Segment
from options import TranscriptionOptions
from utils.chunk_merger import merge
from utils.transcript.events import Event, Finished, Recognised, Settled
from utils.transcript.running_labels import RunningLabels
from utils.transcript.segment_log import SegmentLog, collect_segments
from utils.transcript.segment_merger import SegmentMerger


class RunningTranscript:
    """Chunks come in order, each in parts. Settled segments of a long recording are stored in `folder`."""

    def __init__(self, options: TranscriptionOptions, folder: Path) -> None:
        self._options = options
        self._merger = SegmentMerger()
        self._labels = RunningLabels(options.speakers, options.known) if options.diarize else None
        self._collect = partial(collect_segments, folder=folder)
        self._settled = SegmentLog(folder)
        self._results: list[ChunkResult] = []  # without their segments
        self._unannounced: list[Segment] = []

    def take(self, chunk: Chunk, part: ChunkPart | ChunkResult) -> list[Event]:
        """The events of the next part of a chunk, the last of which is its result."""
        if isinstance(part, ChunkPart):
            settled = self._settle(self._merger.feed(chunk, part.segments, part.until))
            return [*settled, Recognised(chunk, part)]
        settled = self._settle(self._merger.feed(chunk, (), chunk.heard.stop))
        self._results.append(replace(part, segments=()))
        if self._labels:
            self._labels.add(part)
        return [*settled, *self._announce(), part]

    def finish(self) -> list[Event]:
        """The segments held back, and the transcript, which is the same as without streaming."""
        events = [*self._settle(self._merger.finish()), *self._announce()]
        options = self._options
        transcript = merge(self._results, self._settled, options.speakers, options.known, self._collect)
        return [*events, Finished(transcript, self._labels.speaker_map(transcript) if self._labels else {})]

    def _settle(self, segments: Sequence[Segment]) -> list[Event]:
        self._settled.extend(segments)
        self._unannounced += segments if self._labels else ()
        return [Settled(tuple(segments))] if segments else []

    def _announce(self) -> list[Event]:
        if not (self._labels and self._unannounced):
            return []
        announced = self._labels.announce(self._unannounced)
        self._unannounced = []
        return [announced]
