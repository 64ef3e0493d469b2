"""Forced alignment of tokens to frames with the CTC topology. Pure.

Topology: Graves et al. 2006 (Connectionist Temporal Classification). Alignment by the best path through it:
Kürzinger et al. 2020 (CTC-Segmentation, arXiv:2007.09127) and others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LogProbabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """The span of a token, `[start, stop)` in frames or samples, and its mean log-probability there."""

    start: int
    stop: int
    score: float


def align_tokens(
    log_probabilities: LogProbabilities, tokens: Sequence[int], blank: int
) -> tuple[TokenSpan, ...] | None:
    """The frames of each token on the best path through `(T, V)` log-probabilities.

    None if the tokens do not fit (each needs a frame, and two equal ones in a row a blank frame between
    them) or a log-probability is not finite. O(T * L) time, 2 * L + 1 bytes per frame.
    """
    repeats = sum(left == right for left, right in pairwise(tokens))
    if not tokens or len(log_probabilities) < len(tokens) + repeats:
        return None
    if not np.isfinite(log_probabilities).all():
        return None
    states = np.full(2 * len(tokens) + 1, blank)  # blank, token, blank, token, ..., blank
    states[1::2] = tokens
    path = _best_path(log_probabilities, states)
    frames = [np.flatnonzero(path == 2 * index + 1) for index in range(len(tokens))]
    return tuple(
        TokenSpan(int(at[0]), int(at[-1]) + 1, float(log_probabilities[at, token].mean()))
        for at, token in zip(frames, tokens, strict=True)
    )


def _best_path(log_probabilities: LogProbabilities, states: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """(T,) state of each frame. A step stays, advances one state, or skips the blank between two different
    tokens."""
    num_frames = len(log_probabilities)
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    steps = np.zeros((num_frames, len(states)), dtype=np.uint8)
    scores = np.full(len(states), -np.inf)
    scores[:2] = log_probabilities[0, states[:2]]
    arrivals = np.full((3, len(states)), -np.inf)  # row: number of states advanced
    for frame in range(1, num_frames):
        arrivals[0] = scores
        arrivals[1, 1:] = scores[:-1]
        arrivals[2, 2:] = np.where(may_skip[2:], scores[:-2], -np.inf)
        steps[frame] = arrivals.argmax(axis=0)
        scores = arrivals.max(axis=0) + log_probabilities[frame, states]
    path = np.empty(num_frames, dtype=np.int_)
    path[-1] = len(states) - 1 if scores[-1] > scores[-2] else len(states) - 2
    for frame in range(num_frames - 1, 0, -1):
        path[frame - 1] = path[frame] - steps[frame, path[frame]]
    return path
