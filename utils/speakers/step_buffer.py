"""A stream of audio cut into the blocks that a streaming network scores one by one. Pure numpy.

The audio is held until its mel frames are scored, with as much of what lies before as the next block sees;
so each block gets the features that it would get from the whole recording, however the audio comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import Audio

HOP = 160  # samples per mel frame (10 ms); frame k is centred on sample 160 k
REACH = 256  # samples that a frame sees on either side of its centre: half of a Fourier transform of 512
MARGIN = 2  # frames at the start of a cut whose windows, and the sample before them, are not whole


@dataclass(frozen=True, slots=True)
class BlockShape:
    """Mel frames that a block scores, and that it sees before and after them."""

    scored: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Block:
    """Mel frames, counted in the buffer that it came from: seen from `start` to `stop`, scored from `first`
    to `last`."""

    start: int
    first: int
    last: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class StepBuffer:
    """`audio` of a stream from its mel frame `start` on, of which `scored` frames are done."""

    audio: Audio
    start: int = 0
    scored: int = 0

    def append(self, audio: Audio) -> StepBuffer:
        return StepBuffer(np.concatenate([self.audio, audio]), self.start, self.scored)

    def blocks(self, shape: BlockShape, is_last: bool) -> Iterator[Block]:
        """The blocks whose frames are all there; with `is_last` every one, the last as short as it is."""
        total = len(self.audio) // HOP if is_last else max(0, (len(self.audio) - REACH) // HOP + 1)
        first = self.scored - self.start
        while first < total and (is_last or first + shape.scored + shape.after <= total):
            last = min(first + shape.scored, total)
            before = min(shape.before, self.start + first)
            yield Block(first - before, first, last, min(last + shape.after, total))
            first = last

    def without(self, blocks: int, shape: BlockShape) -> StepBuffer:
        """What to keep when so many whole blocks are done."""
        scored = self.scored + blocks * shape.scored
        start = max(self.start, scored - shape.before - MARGIN)
        return StepBuffer(self.audio[(start - self.start) * HOP :], start, scored)
