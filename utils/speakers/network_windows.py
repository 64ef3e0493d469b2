"""Plans the windows of a chunk for a segmentation network: one every five seconds, and one in between where
two neighbours disagree on the speakers. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np

from models import Span
from utils.speakers.local_speakers import (
    CLASSES,
    FRAME,
    FRAME_CENTRE,
    WINDOW,
    WINDOW_FRAMES,
    Flags,
    Floats,
)
from utils.speech.speech_map import SpeechMap

HOP_FRAMES = 148
HOP = HOP_FRAMES * FRAME  # 2.5 s; half of it costs twice as much and gains nothing
WIDE_HOP = 2 * HOP
# Share of the frames that both cover. Where people take turns, four of ten windows in between can be skipped;
# skipping all of them costs meetings half a point of DER.
DISAGREEMENT = 0.1
SURE = 0.8  # probability from which the detector counts against the network
MISSED = 0.15  # share of the frames of a window that the detector calls speech and the network does not


def plan_windows(heard: Span, speech: Sequence[Span]) -> list[int]:
    """Starts, in samples, of the windows over all of `heard` that contain any of `speech`."""
    every = range(heard.start, max(heard.stop - WINDOW, heard.start) + HOP, HOP)
    wide = sorted({*every[::2], every[-1]})
    return [start for start in wide if any(s.start < start + WINDOW and s.stop > start for s in speech)]


def plan_between(starts: Sequence[int], classes: Floats) -> list[int]:
    """Starts of windows midway between two neighbours that disagree; `classes` as for `combine_windows`."""
    talks = CLASSES[classes.argmax(axis=2)]
    return [
        start + HOP
        for (start, one), (after, other) in pairwise(zip(starts, talks, strict=True))
        if after == start + WIDE_HOP and _disagreement(one, other) > DISAGREEMENT
    ]


def misses_speech(starts: Sequence[int], classes: Floats, detected: SpeechMap) -> Flags:
    """(n,) whether the network misses speech in a window that the detector is sure of: next to someone loud
    it is deaf to people far away."""
    centres = np.array(starts)[:, None] + FRAME_CENTRE + FRAME * np.arange(WINDOW_FRAMES)
    sure = (detected.at(centres) > SURE) & (centres < detected.stop)
    return np.asarray((sure & (classes[..., 0] > 0.5)).mean(axis=1) >= MISSED)


def _disagreement(one: Flags, other: Flags) -> float:
    """Share of the common frames with different speakers, under the best permutation of seats."""
    early, late = one[2 * HOP_FRAMES :], other[: WINDOW_FRAMES - 2 * HOP_FRAMES]
    seats = permutations(range(late.shape[1]))
    return min(float(np.any(early != late[:, order], axis=1).mean()) for order in seats)
