"""Which windows of a chunk a segmentation network hears: one every five seconds, and one between two where
they tell apart different people. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np

from models import Span
from utils.speakers.local_speakers import CLASSES, FRAME, WINDOW, WINDOW_FRAMES, Flags, Floats

HOP_FRAMES = 148
HOP = HOP_FRAMES * FRAME  # 2.5 s; half of it costs twice as much and gains nothing
WIDE = 2 * HOP
# Share of the frames that both hear. Where people take turns, four of ten windows between are not needed;
# leaving out all of them costs meetings half a point of DER.
DISAGREEMENT = 0.1


def plan_windows(heard: Span, speech: Sequence[Span]) -> list[int]:
    """Starts, in samples, of windows over all of `heard`, those that hold any of `speech`."""
    every = range(heard.start, max(heard.stop - WINDOW, heard.start) + HOP, HOP)
    wide = sorted({*every[::2], every[-1]})
    return [start for start in wide if any(s.start < start + WINDOW and s.stop > start for s in speech)]


def plan_between(starts: Sequence[int], classes: Floats) -> list[int]:
    """Starts of windows amid two neighbours that disagree; `classes` as for `combine_windows`."""
    talks = CLASSES[classes.argmax(axis=2)]
    return [
        start + HOP
        for (start, one), (after, other) in pairwise(zip(starts, talks, strict=True))
        if after == start + WIDE and _disagreement(one, other) > DISAGREEMENT
    ]


def _disagreement(one: Flags, other: Flags) -> float:
    """Share of the frames in which others talk, by the best pairing of the seats of two windows."""
    early, late = one[2 * HOP_FRAMES :], other[: WINDOW_FRAMES - 2 * HOP_FRAMES]
    seats = permutations(range(late.shape[1]))
    return min(float(np.any(early != late[:, order], axis=1).mean()) for order in seats)
