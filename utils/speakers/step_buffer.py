"""Cuts a stream of audio into the blocks that a streaming network scores one by one. Pure numpy.

Audio is buffered until its mel frames are scored, along with the left context of the next block; so each
block gets the features that it would get from the whole recording, however the audio is split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import Audio

HOP = 160  # samples per mel frame (10 ms); frame k is centred on sample 160 k
REACH = 256  # samples that a frame covers on either side of its centre: half of an FFT of 512
MARGIN = 2  # frames at the start of a cut that lack part of their window or the sample before it


@dataclass(frozen=True, slots=True)
class BlockShape:
    """Mel frames that a block scores, and its context before and after them."""

    scored: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Block:
    """Mel frames, relative to the buffer: input from `start` to `stop`, scored from `first` to `last`."""

    start: int
    first: int
    last: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class StepBuffer:
    """`audio` of a stream from its mel frame `start` on; the stream is scored up to frame `scored`."""

    audio: Audio
    start: int = 0
    scored: int = 0

    def append(self, audio: Audio) -> StepBuffer:
        return StepBuffer(np.concatenate([self.audio, audio]), self.start, self.scored)

    def blocks(self, shape: BlockShape, is_last: bool) -> Iterator[Block]:
        """The blocks whose frames are complete; with `is_last` all of them, the last one possibly shorter."""
        total = len(self.audio) // HOP if is_last else max(0, (len(self.audio) - REACH) // HOP + 1)
        first = self.scored - self.start
        while first < total and (is_last or first + shape.scored + shape.after <= total):
            last = min(first + shape.scored, total)
            before = min(shape.before, self.start + first)
            yield Block(first - before, first, last, min(last + shape.after, total))
            first = last

    def without(self, blocks: int, shape: BlockShape) -> StepBuffer:
        """The buffer left after `blocks` full blocks are scored."""
        scored = self.scored + blocks * shape.scored
        start = max(self.start, scored - shape.before - MARGIN)
        return StepBuffer(self.audio[(start - self.start) * HOP :], start, scored)
