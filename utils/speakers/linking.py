"""Speakers of the chunks to speakers of the recording: constrained agglomerative clustering. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, ChunkSpeakers
from options import SpeakerCount
from utils.speakers.embedding import unpack

Matrix = npt.NDArray[np.float64]
Likeness = npt.NDArray[np.float16]  # of thousands of voices with each other: fine enough, and little memory
Labels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HEARD_TOGETHER = 0.3  # added to the cosine of speakers who hold the same moments of two chunks
HALF_TOGETHER = 2 * SAMPLE_RATE  # so much time together gives half of it
ONE_VOICE = SAMPLE_RATE  # of one voice, presumed of any two beside what they say
BLOCK = 64  # voices
CONFLICT = 1e9  # cost of merging who are two in a chunk, paid only when nothing else is left


def resolve_speakers(
    chunks: Sequence[ChunkSpeakers], count: SpeakerCount
) -> tuple[list[ChunkSpeakers], list[dict[int, int]]]:
    """The chunks, and for each its speakers as speakers of the recording. Where all chunks together hold
    fewer than `count.minimum`, they are those told apart more finely, and only just as many are left."""
    links = link_speakers(chunks, SpeakerCount(1, count.maximum))
    if len({speaker for link in links for speaker in link.values()}) >= count.minimum:
        return list(chunks), links
    finer = [chunk.finer or chunk for chunk in chunks]
    whole = [_whole(chunk) for chunk in chunks]
    return finer, _link(finer, whole, SpeakerCount(count.minimum, count.minimum))


def link_speakers(chunks: Sequence[ChunkSpeakers], count: SpeakerCount) -> list[dict[int, int]]:
    """For every chunk, its speakers as speakers of the recording, numbered by first appearance.

    Two speakers of one chunk stay two unless `count.maximum` forbids it. Who says little proves a further
    speaker less than who says much. Every speaker needs a voice.
    """
    return _link(chunks, [[voice.speaker for voice in chunk.voices] for chunk in chunks], count)


def _whole(chunk: ChunkSpeakers) -> list[int]:
    """Whose moments, in the chunk as heard, each of those holds who are told apart more finely."""
    if chunk.finer is None:
        return [voice.speaker for voice in chunk.voices]
    return [chunk.voices[row].speaker for row in _shared_time(chunk.finer, chunk).argmax(axis=1)]


def _link(
    chunks: Sequence[ChunkSpeakers], whole: Sequence[Sequence[int]], count: SpeakerCount
) -> list[dict[int, int]]:
    """Speakers of one chunk who are one in `whole` may become one."""
    if not any(chunk.voices for chunk in chunks):
        return [{} for _ in chunks]
    voices = unpack(voice.embedding for chunk in chunks for voice in chunk.voices)
    weights = np.array(
        [max(voice.num_samples, 1) for chunk in chunks for voice in chunk.voices], dtype=np.float64
    )
    likeness = _likeness(voices, weights.astype(np.float32))
    _add_what_chunks_tell(likeness, chunks, whole)
    alike = next(chunk.same_voice for chunk in chunks if chunk.voices)
    if count.maximum is None:
        return _number(chunks, _merge_alike(likeness, weights, alike, count.minimum))
    apart = likeness == -np.inf
    labels = _merge_alike(likeness, weights.copy(), alike, count.minimum)
    return _number(chunks, _merge_to(count.maximum, labels, voices * weights[:, None], weights, apart))


def _likeness(voices: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> Likeness:
    """(n, n) cosines of voices that say so many samples, the nearer to 1 the less the two say."""
    likeness = np.empty((len(voices), len(voices)), np.float16)
    for first in range(0, len(voices), BLOCK):
        rows = slice(first, first + BLOCK)
        joint = 1 / (1 / weights[rows, None] + 1 / weights)  # near the speech of who says less
        likeness[rows] = (joint * (voices[rows] @ voices.T) + ONE_VOICE) / (joint + ONE_VOICE)
    return likeness


def _add_what_chunks_tell(
    likeness: Likeness, chunks: Sequence[ChunkSpeakers], whole: Sequence[Sequence[int]]
) -> None:
    """Changes `likeness`: speakers of one chunk are not one, those who talk at the same moments of
    neighbouring chunks may well be. The rest of the matrix, nearly all of it for a day, is not touched."""
    ends = accumulate((len(chunk.voices) for chunk in chunks), initial=0)
    rows = [slice(start, stop) for start, stop in pairwise(ends)]
    for own, people in zip(rows, map(np.array, whole), strict=True):
        likeness[own, own][people[:, None] != people] = -np.inf
    np.fill_diagonal(likeness, -np.inf)
    for (one, ours), (other, theirs) in pairwise(zip(chunks, rows, strict=True)):
        shared = _shared_time(one, other)
        evidence = HEARD_TOGETHER * shared / (shared + HALF_TOGETHER)
        likeness[ours, theirs] += evidence
        likeness[theirs, ours] += evidence.T


def _shared_time(one: ChunkSpeakers, other: ChunkSpeakers) -> Matrix:
    """(voices of one, voices of the other): the samples in which both talk."""
    row_of = {voice.speaker: row for row, voice in enumerate(one.voices)}
    column_of = {voice.speaker: column for column, voice in enumerate(other.voices)}
    shared = np.zeros((len(row_of), len(column_of)))
    first = min((turn.start for turn in other.turns), default=0)
    for turn in (turn for turn in one.turns if turn.stop > first):
        for twin in other.turns:
            together = min(turn.stop, twin.stop) - max(turn.start, twin.start)
            if together > 0:
                shared[row_of[turn.speaker], column_of[twin.speaker]] += together
    return shared


def _merge_alike(likeness: Likeness, weights: Matrix, alike: float, fewest: int) -> Labels:
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
        share = np.float32(weights[kept] / (weights[kept] + weights[gone]))
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


def _merge_to(most: int, labels: Labels, sums: Matrix, weights: Matrix, apart: Flags) -> Labels:
    """Ward's criterion until `most` groups are left: it gives up small groups before large ones."""
    groups = np.unique(labels)
    member = (labels[None, :] == groups[:, None]).astype(np.float64)
    sums, mass, conflict = member @ sums, member @ weights, member @ apart @ member.T > 0
    while len(groups) > max(most, 1):
        mean = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        cost = mass[:, None] * mass / (mass[:, None] + mass) * (1 - mean @ mean.T) / mass.sum()
        cost[conflict] += CONFLICT
        np.fill_diagonal(cost, np.inf)
        kept, gone = divmod(int(cost.argmin()), len(groups))
        labels = np.where(labels == groups[gone], groups[kept], labels)
        sums[kept] += sums[gone]
        mass[kept] += mass[gone]
        conflict[kept] |= conflict[gone]
        conflict[:, kept] |= conflict[:, gone]
        groups, sums, mass = np.delete(groups, gone), np.delete(sums, gone, 0), np.delete(mass, gone)
        conflict = np.delete(np.delete(conflict, gone, 0), gone, 1)
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
