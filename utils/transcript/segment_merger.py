"""Merges the segments of overlapping chunks incrementally, emitting each once it is final. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from models import Chunk, Segment, Span
from utils.transcript.splicing import may_continue, middle, splice
from utils.words.sentences import LONGEST_PAUSE


class SegmentMerger:
    """The output as a whole does not depend on how a chunk's segments are split over calls of `feed`.

    Chunks come in order, each complete before the next one begins.
    """

    def __init__(self) -> None:
        self._chunk: Chunk | None = None
        self._previous: Chunk | None = None  # the previous chunk, until this one is spliced to it
        self._tail: list[Segment] = []  # segments that the next chunk may still change
        self._incoming: list[Segment] = []  # segments that wait to be spliced to the tail

    def feed(self, chunk: Chunk, segments: Sequence[Segment], until: int) -> list[Segment]:
        """Add the next segments of `chunk`, after which none will begin before `until`, and return those that
        are now settled. `until` reaches `chunk.heard.stop` at the end of a chunk."""
        if chunk != self._chunk:
            self._previous, self._chunk = self._chunk, chunk
        self._incoming += segments
        settled: list[Segment] = []
        if self._previous:
            shared = Span(chunk.heard.start, self._previous.heard.stop)
            if until < shared.stop:
                return []
            settled, self._incoming = splice(self._tail, self._incoming, shared, chunk.start)
            self._previous, self._tail = None, []
        self._tail += self._incoming
        self._incoming = []
        return settled + self._settle(chunk.shared_from)

    def finish(self) -> list[Segment]:
        """The segments held back for a next chunk, once there is none."""
        return self._tail

    def _settle(self, before: int) -> list[Segment]:
        """Take off the tail what precedes the next chunk, except a last sentence that may continue in it."""
        count = len(list(takewhile(lambda segment: _lies_before(segment, before), self._tail)))
        if count and _may_reach(self._tail[count - 1], before):
            count -= 1
        settled, self._tail = self._tail[:count], self._tail[count:]
        return settled


def _may_reach(segment: Segment, position: int) -> bool:
    """Whether it may be the start of a sentence that goes on after `position`."""
    return segment.stop >= position - LONGEST_PAUSE and may_continue(segment)


def _lies_before(segment: Segment, position: int) -> bool:
    return all(middle(item) < position for item in segment.words or (segment,))
