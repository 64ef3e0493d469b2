"""Links the speakers of chunks across the recording: constrained agglomerative clustering. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, ChunkSpeakers
from options import SpeakerCount
from utils.speakers.activity import shared_time
from utils.speakers.embedding import unpack

Matrix = npt.NDArray[np.float64]
Similarity = npt.NDArray[np.float16]  # between thousands of voices: precise enough in little memory
Labels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OVERLAP_BONUS = 0.3  # added to the similarity of speakers who talk at the same time in two chunks
HALF_BONUS = 2 * SAMPLE_RATE  # shared speech that gives half of it
PRIOR_SPEECH = SAMPLE_RATE  # shrinkage: speech of one common voice assumed of any two speakers
BLOCK = 64  # voices
CONFLICT = 1e9  # cost of breaking a cannot-link constraint, paid only as a last resort


def resolve_speakers(
    chunks: Sequence[ChunkSpeakers], count: SpeakerCount
) -> tuple[list[ChunkSpeakers], list[dict[int, int]]]:
    """The chunks, and for each its speakers as speakers of the recording. If all chunks together have fewer
    than `count.minimum`, their `finer` diarizations are linked instead, down to just that many."""
    links = link_speakers(chunks, SpeakerCount(1, count.maximum))
    if len({speaker for link in links for speaker in link.values()}) >= count.minimum:
        return list(chunks), links
    finer = [chunk.finer or chunk for chunk in chunks]
    coarse = [_coarse_speakers(chunk) for chunk in chunks]
    return finer, _link(finer, coarse, SpeakerCount(count.minimum, count.minimum))


def link_speakers(chunks: Sequence[ChunkSpeakers], count: SpeakerCount) -> list[dict[int, int]]:
    """For every chunk, its speakers as speakers of the recording, numbered by first appearance.

    Two speakers of one chunk are merged only if `count.maximum` forces it. Little speech is weaker evidence
    of a further speaker than much. Every speaker needs a voice.
    """
    return _link(chunks, [[voice.speaker for voice in chunk.voices] for chunk in chunks], count)


def _coarse_speakers(chunk: ChunkSpeakers) -> list[int]:
    """For each speaker of the finer diarization, the speaker of the chunk who shares most of its speech."""
    if chunk.finer is None:
        return [voice.speaker for voice in chunk.voices]
    return [chunk.voices[row].speaker for row in _shared_time(chunk.finer, chunk).argmax(axis=1)]


def _link(
    chunks: Sequence[ChunkSpeakers], coarse: Sequence[Sequence[int]], count: SpeakerCount
) -> list[dict[int, int]]:
    """Speakers of one chunk may be merged only if they have the same `coarse` speaker."""
    if not any(chunk.voices for chunk in chunks):
        return [{} for _ in chunks]
    voices = unpack(voice.embedding for chunk in chunks for voice in chunk.voices)
    weights = np.array(
        [max(voice.num_samples, 1) for chunk in chunks for voice in chunk.voices], dtype=np.float64
    )
    similarity = _similarities(voices, weights.astype(np.float32))
    _add_constraints(similarity, chunks, coarse)
    threshold = next(chunk.same_voice for chunk in chunks if chunk.voices)
    if count.maximum is None:
        return _number(chunks, _merge_similar(similarity, weights, threshold, count.minimum))
    cannot_link = similarity == -np.inf
    labels = _merge_similar(similarity, weights.copy(), threshold, count.minimum)
    return _number(chunks, _merge_to(count.maximum, labels, voices * weights[:, None], weights, cannot_link))


def _similarities(voices: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> Similarity:
    """(n, n) cosine similarities, shrunk towards 1 the less speech (`weights`, in samples) the pair has."""
    similarity = np.empty((len(voices), len(voices)), np.float16)
    for first in range(0, len(voices), BLOCK):
        rows = slice(first, first + BLOCK)
        joint = 1 / (1 / weights[rows, None] + 1 / weights)  # close to the shorter speech of the two
        similarity[rows] = (joint * (voices[rows] @ voices.T) + PRIOR_SPEECH) / (joint + PRIOR_SPEECH)
    return similarity


def _add_constraints(
    similarity: Similarity, chunks: Sequence[ChunkSpeakers], coarse: Sequence[Sequence[int]]
) -> None:
    """In place: -inf for speakers of one chunk (cannot-link), a bonus for those who talk at the same time in
    neighbouring chunks. The rest of the matrix, nearly all of it for a day, is not touched."""
    ends = accumulate((len(chunk.voices) for chunk in chunks), initial=0)
    rows = [slice(start, stop) for start, stop in pairwise(ends)]
    for own, speakers in zip(rows, map(np.array, coarse), strict=True):
        similarity[own, own][speakers[:, None] != speakers] = -np.inf
    np.fill_diagonal(similarity, -np.inf)
    for (one, one_rows), (other, other_rows) in pairwise(zip(chunks, rows, strict=True)):
        shared = _shared_time(one, other)
        bonus = OVERLAP_BONUS * shared / (shared + HALF_BONUS)
        similarity[one_rows, other_rows] += bonus
        similarity[other_rows, one_rows] += bonus.T


def _shared_time(one: ChunkSpeakers, other: ChunkSpeakers) -> Matrix:
    """(voices of one, voices of the other): the samples in which both talk."""
    rows, columns = ([voice.speaker for voice in chunk.voices] for chunk in (one, other))
    return shared_time(one.turns, other.turns, rows, columns)


def _merge_similar(similarity: Similarity, weights: Matrix, threshold: float, min_speakers: int) -> Labels:
    """Group average linkage (UPGMA), weighted by speech, until no pair reaches `threshold` or `min_speakers`
    are left. Overwrites its arrays.

    A cannot-link pair is -inf, and an average with -inf stays -inf: the constraint needs no bookkeeping. Each
    row's nearest neighbour is cached (Anderberg 1973), so that a merge scans few rows instead of all pairs.
    """
    labels = np.arange(len(weights))
    nearest = similarity.argmax(axis=1)
    best = similarity.max(axis=1)
    for _ in range(len(weights) - min_speakers):
        keep = int(best.argmax())
        drop = int(nearest[keep])
        if best[keep] < threshold:
            break
        share = weights[keep] / (weights[keep] + weights[drop])  # below 1 in float64: -inf * 0 would be NaN
        row = share * similarity[keep] + (1 - share) * similarity[drop]
        similarity[keep], similarity[:, keep] = row, row
        similarity[drop], similarity[:, drop] = -np.inf, -np.inf
        weights[keep] += weights[drop]
        labels[labels == drop] = keep
        best[drop] = -np.inf
        stale = np.flatnonzero((best > -np.inf) & ((nearest == keep) | (nearest == drop) | (row >= best)))
        nearest[stale] = similarity[stale].argmax(axis=1)
        best[stale] = similarity[stale, nearest[stale]]
    return labels


def _merge_to(max_speakers: int, labels: Labels, sums: Matrix, weights: Matrix, cannot_link: Flags) -> Labels:
    """Ward's criterion until `max_speakers` groups are left: it merges small groups before large ones."""
    groups = np.unique(labels)
    member = (labels[None, :] == groups[:, None]).astype(np.float64)
    sums, mass, conflict = member @ sums, member @ weights, member @ cannot_link @ member.T > 0
    while len(groups) > max(max_speakers, 1):
        mean = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        cost = mass[:, None] * mass / (mass[:, None] + mass) * (1 - mean @ mean.T) / mass.sum()
        cost[conflict] += CONFLICT
        np.fill_diagonal(cost, np.inf)
        keep, drop = divmod(int(cost.argmin()), len(groups))
        labels = np.where(labels == groups[drop], groups[keep], labels)
        sums[keep] += sums[drop]
        mass[keep] += mass[drop]
        conflict[keep] |= conflict[drop]
        conflict[:, keep] |= conflict[:, drop]
        groups, sums, mass = np.delete(groups, drop), np.delete(sums, drop, 0), np.delete(mass, drop)
        conflict = np.delete(np.delete(conflict, drop, 0), drop, 1)
    return labels


def _number(chunks: Sequence[ChunkSpeakers], labels: Labels) -> list[dict[int, int]]:
    """Labels to 0.. in order of the first turn; speakers without a turn come last."""
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
