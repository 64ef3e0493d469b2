"""A transcript while it is made: what is heard chunk by chunk becomes events, and they the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from models import Chunk, ChunkPart, ChunkResult, Segment
from options import TranscriptionOptions
from utils.chunk_merger import merge
from utils.transcript.events import Event, Finished, Settled
from utils.transcript.running_labels import RunningLabels
from utils.transcript.segment_log import SegmentLog, keep
from utils.transcript.segment_merger import SegmentMerger


class RunningTranscript:
    """Chunks come in order, each part by part. What is settled of a long recording lies in `folder`."""

    def __init__(self, options: TranscriptionOptions, folder: Path) -> None:
        self._options = options
        self._merger = SegmentMerger()
        self._labels = RunningLabels(options.speakers, options.known) if options.diarize else None
        self._keep = partial(keep, folder=folder)
        self._settled = SegmentLog(folder)
        self._results: list[ChunkResult] = []  # without their segments
        self._unannounced: list[Segment] = []

    def take(self, chunk: Chunk, part: ChunkPart | ChunkResult) -> list[Event]:
        """What happens by the next part of a chunk, the last of which is its result."""
        if isinstance(part, ChunkPart):
            return self._settle(self._merger.feed(chunk, part.segments, part.until))
        settled = self._settle(self._merger.feed(chunk, (), chunk.heard.stop))
        self._results.append(replace(part, segments=()))
        if self._labels:
            self._labels.add(part)
        return [*settled, *self._announce(), part]

    def finish(self) -> list[Event]:
        """What was held back, and the transcript: the same as if there had been no events."""
        events = [*self._settle(self._merger.finish()), *self._announce()]
        options = self._options
        transcript = merge(self._results, self._settled, options.speakers, options.known, self._keep)
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
