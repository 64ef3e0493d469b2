"""Speakers of the chunks to speakers of the recording: constrained agglomerative clustering. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, ChunkSpeakers
from options import SpeakerCount

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

HEARD_TOGETHER = 0.3  # added to the cosine of speakers who hold the same moments of two chunks
HALF_TOGETHER = 2 * SAMPLE_RATE  # so much time together gives half of it
CONFLICT = 1e9  # cost of merging speakers of one chunk, paid only when nothing else is left


def link_speakers(chunks: Sequence[ChunkSpeakers], count: SpeakerCount) -> list[dict[int, int]]:
    """For every chunk, its speakers as speakers of the recording, numbered by first appearance.

    Two speakers of one chunk stay two unless `count.maximum` forbids it. Every speaker needs a voice.
    """
    owners = np.array([index for index, chunk in enumerate(chunks) for _ in chunk.voices], dtype=np.int64)
    if not len(owners):
        return [{} for _ in chunks]
    voices = np.array([voice.embedding for chunk in chunks for voice in chunk.voices], dtype=np.float64)
    weights = np.array(
        [max(voice.num_samples, 1) for chunk in chunks for voice in chunk.voices], dtype=np.float64
    )
    likeness = voices @ voices.T
    _add_what_chunks_tell(likeness, chunks)
    alike = next(chunk.same_voice for chunk in chunks if chunk.voices)
    labels = _merge_alike(likeness, weights.copy(), alike, count.minimum)
    if count.maximum is not None:
        labels = _merge_to(count.maximum, labels, voices * weights[:, None], weights, owners)
    return _number(chunks, labels)


def _add_what_chunks_tell(likeness: Matrix, chunks: Sequence[ChunkSpeakers]) -> None:
    """Changes `likeness`: speakers of one chunk are not one, those who talk at the same moments of
    neighbouring chunks may well be. The rest of the matrix, nearly all of it for a day, is not touched."""
    ends = accumulate((len(chunk.voices) for chunk in chunks), initial=0)
    rows = [slice(start, stop) for start, stop in pairwise(ends)]
    for own in rows:
        likeness[own, own] = -np.inf
    for (one, ours), (other, theirs) in pairwise(zip(chunks, rows, strict=True)):
        evidence = _evidence_of_overlap(one, other)
        likeness[ours, theirs] += evidence
        likeness[theirs, ours] += evidence.T


def _evidence_of_overlap(one: ChunkSpeakers, other: ChunkSpeakers) -> Matrix:
    """What is added to the likeness of speakers who talk at the same moments of neighbouring chunks."""
    row_of = {voice.speaker: row for row, voice in enumerate(one.voices)}
    column_of = {voice.speaker: column for column, voice in enumerate(other.voices)}
    shared = np.zeros((len(row_of), len(column_of)))
    first = min((turn.start for turn in other.turns), default=0)
    for turn in (turn for turn in one.turns if turn.stop > first):
        for twin in other.turns:
            together = min(turn.stop, twin.stop) - max(turn.start, twin.start)
            if together > 0:
                shared[row_of[turn.speaker], column_of[twin.speaker]] += together
    return HEARD_TOGETHER * shared / (shared + HALF_TOGETHER)


def _merge_alike(likeness: Matrix, weights: Matrix, alike: float, fewest: int) -> Labels:
    """Group average linkage (UPGMA), weighted by speech, until no two are `alike` or `fewest` are left.
    Uses up its arrays.

    A forbidden pair is -inf, and an average with -inf stays -inf: the constraint needs no bookkeeping. The
    nearest of each is remembered (Anderberg 1973), so that a merge looks at few rows and not at all pairs.
    """
    labels = np.arange(len(weights))
    nearest = likeness.argmax(axis=1)
    best = likeness.max(axis=1)
    for _ in range(len(weights) - fewest):
        kept = int(best.argmax())
        gone = int(nearest[kept])
        if best[kept] < alike:
            break
        share = weights[kept] / (weights[kept] + weights[gone])
        row = share * likeness[kept] + (1 - share) * likeness[gone]
        likeness[kept], likeness[:, kept] = row, row
        likeness[gone], likeness[:, gone] = -np.inf, -np.inf
        weights[kept] += weights[gone]
        labels[labels == gone] = kept
        best[gone] = -np.inf
        stale = np.flatnonzero((best > -np.inf) & ((nearest == kept) | (nearest == gone) | (row >= best)))
        nearest[stale] = likeness[stale].argmax(axis=1)
        best[stale] = likeness[stale, nearest[stale]]
    return labels


def _merge_to(most: int, labels: Labels, sums: Matrix, weights: Matrix, owners: Labels) -> Labels:
    """Ward's criterion until `most` groups are left: it gives up small groups before large ones."""
    while len(groups := np.unique(labels)) > max(most, 1):
        member = (labels[None, :] == groups[:, None]).astype(np.float64)
        mean = member @ sums
        mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        mass = member @ weights
        cost = mass[:, None] * mass / (mass[:, None] + mass) * (1 - mean @ mean.T) / mass.sum()
        present = member @ (owners[:, None] == np.unique(owners))
        cost[present @ present.T > 0] += CONFLICT
        np.fill_diagonal(cost, np.inf)
        kept, gone = divmod(int(cost.argmin()), len(groups))
        labels = np.where(labels == groups[gone], groups[kept], labels)
    return labels


def _number(chunks: Sequence[ChunkSpeakers], labels: Labels) -> list[dict[int, int]]:
    """Labels to 0.. in order of the first turn; who has no turn comes last."""
    rows = iter(labels.tolist())
    groups = [{voice.speaker: next(rows) for voice in chunk.voices} for chunk in chunks]
    starts = [
        (turn.start, turn.stop, group[turn.speaker])
        for chunk, group in zip(chunks, groups, strict=True)
        for turn in chunk.turns
    ]
    seen = dict.fromkeys([label for *_, label in sorted(starts)] + labels.tolist())
    numbers = {label: number for number, label in enumerate(seen)}
    return [{speaker: numbers[label] for speaker, label in group.items()} for group in groups]
