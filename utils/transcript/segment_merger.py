"""Segments of overlapping chunks as they come, each given on once nothing can change it any more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from models import Chunk, Segment, Span
from utils.transcript.splicing import may_go_on, middle, splice


class SegmentMerger:
    """What it gives, all in all, does not depend on how a chunk's segments were fed.

    Chunks come in order, and what a chunk heard is complete before the next one begins.
    """

    def __init__(self) -> None:
        self._chunk: Chunk | None = None
        self._before: Chunk | None = None  # the chunk before, until this one is spliced to it
        self._tail: list[Segment] = []  # what the next chunk may still change
        self._incoming: list[Segment] = []  # what waits to be spliced to the tail

    def feed(self, chunk: Chunk, segments: Sequence[Segment], until: int) -> list[Segment]:
        """Takes the next segments of `chunk`, after which none is to come that begins before `until`, and
        gives those that are settled now. `until` reaches `chunk.heard.stop` at the end of a chunk."""
        if chunk != self._chunk:
            self._before, self._chunk = self._chunk, chunk
        self._incoming += segments
        settled: list[Segment] = []
        if self._before:
            shared = Span(chunk.heard.start, self._before.heard.stop)
            if until < shared.stop:
                return []
            settled, self._incoming = splice(self._tail, self._incoming, shared, chunk.start)
            self._before, self._tail = None, []
        self._tail += self._incoming
        self._incoming = []
        return settled + self._settle(chunk.shared_from)

    def finish(self) -> list[Segment]:
        """The segments that waited for another chunk, of which there is none."""
        return self._tail

    def _settle(self, before: int) -> list[Segment]:
        """Take from the tail what the next chunk does not hear, less a last sentence that may go on in it."""
        count = len(list(takewhile(lambda segment: _is_before(segment, before), self._tail)))
        if count and may_go_on(self._tail[count - 1]):
            count -= 1
        settled, self._tail = self._tail[:count], self._tail[count:]
        return settled


def _is_before(segment: Segment, moment: int) -> bool:
    return all(middle(item) < moment for item in segment.words or (segment,))
