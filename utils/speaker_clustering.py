"""Windows of speech, their voices told apart, and the turns that follow. Pure numpy and scipy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage

from models import SAMPLE_RATE, Span, SpeakerCount, SpeakerTurn

Vectors = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

WINDOW = SAMPLE_RATE * 3 // 2
HOP = SAMPLE_RATE * 3 // 4
LONGEST_STRETCH = 10 * SAMPLE_RATE
NEIGHBOURS = 8  # the windows most alike, whose voices are averaged before clustering
ALIKE = 0.35  # cosine from which a window may be such a neighbour
CLOSE = 0.6  # a neighbour also has this share of the cosine of the one ranked CLOSEST: where few windows
CLOSEST = 3  # are of one voice, the eighth is somebody else's
SAME_CLUSTER = 0.5  # mean cosine between two clusters of averaged windows that are one speaker
SAME_VOICE = 0.6  # cosine between two mean voices that are one speaker
MINOR_SHARE, LEAST_MINOR, MOST_MINOR = 0.1, 3.0, 6.0  # a speaker has this share of speech, within seconds


def plan_windows(speech: Sequence[Span], length: int = WINDOW, hop: int = HOP) -> list[Span]:
    """Windows of `length`, at most `hop` apart, spread evenly over each region; a short region is one."""
    return [
        window for region in speech if region.num_samples > 0 for window in _windows_of(region, length, hop)
    ]


def _windows_of(region: Span, length: int, hop: int) -> Iterator[Span]:
    slack = region.num_samples - length
    if slack <= 0:
        yield region
        return
    steps = -(-slack // hop)
    for step in range(steps + 1):
        start = region.start + slack * step // steps
        yield Span(start, start + length)


def group_stretches(windows: Sequence[Span]) -> list[list[Span]]:
    """Runs of overlapping windows, at most 10 s long, so that a stretch is read and filtered once."""
    stretches: list[list[Span]] = []
    for window in windows:
        run = stretches[-1] if stretches else []
        if run and window.start < run[-1].stop and window.stop - run[0].start <= LONGEST_STRETCH:
            run.append(window)
        else:
            stretches.append([window])
    return stretches


def cluster_voices(embeddings: Vectors, windows: Sequence[Span], count: SpeakerCount) -> Labels:
    """(n,) speakers 0.. of n windows with (n, d) unit embeddings; obeys `count` as far as n allows.

    Average linkage over embeddings smoothed by their nearest neighbours, which pulls the windows that
    straddle two voices into one of them; then small clusters are absorbed and like voices merged.
    """
    if len(windows) < 2:
        return np.zeros(len(windows), dtype=np.int64)
    weights = np.array([window.num_samples / SAMPLE_RATE for window in windows], dtype=np.float32)
    smooth = _smooth(embeddings)
    labels = _compact(fcluster(linkage(smooth, "average", metric="cosine"), 1 - SAME_CLUSTER, "distance"))
    labels = _absorb_minor(smooth, weights, labels)
    labels = _merge_alike(embeddings, weights, _settle(smooth, weights, labels))
    labels = _absorb_minor(embeddings, weights, labels)
    number = int(labels.max()) + 1
    wanted = min(max(number, count.minimum), count.maximum or number, len(windows))
    return labels if wanted == number else _cut(smooth, wanted)


def _cut(smooth: Vectors, number: int) -> Labels:
    """Exactly `number` clusters, by Ward's criterion, which gives up small clusters before large ones."""
    return _compact(cut_tree(linkage(smooth, "ward"), n_clusters=number)[:, 0])


def build_turns(windows: Sequence[Span], labels: Labels, speech: Sequence[Span]) -> tuple[SpeakerTurn, ...]:
    """Every moment of speech to one speaker, changing midway between the centres of two windows."""
    speakers = labels.tolist()
    turns: list[SpeakerTurn] = []
    index = 0
    for region in speech:
        first = index
        while index < len(windows) and windows[index].start < region.stop:
            index += 1
        turns.extend(_turns_of(region, windows[first:index], speakers[first:index]))
    return tuple(turns)


def _turns_of(region: Span, windows: Sequence[Span], speakers: Sequence[int]) -> Iterator[SpeakerTurn]:
    if not windows:
        return
    start, speaker = region.start, speakers[0]
    for (window, _), (following, heard) in pairwise(zip(windows, speakers, strict=True)):
        if heard != speaker:
            change = (window.start + window.stop + following.start + following.stop) // 4
            yield SpeakerTurn(start, change, speaker)
            start, speaker = change, heard
    yield SpeakerTurn(start, region.stop, speaker)


def _smooth(embeddings: Vectors) -> Vectors:
    """Each window's voice averaged with those of its nearest neighbours, as affinities are pruned before
    spectral clustering (Park et al. 2020, arXiv:2003.02405)."""
    affinity = embeddings @ embeddings.T
    ranked = -np.sort(-affinity, axis=1)
    nearest = ranked[:, min(NEIGHBOURS, len(ranked)) - 1]
    close = CLOSE * ranked[:, min(CLOSEST, len(ranked)) - 1]
    bar = np.maximum(np.maximum(nearest, close), ALIKE)[:, None]
    near = np.where(affinity >= bar, affinity, 0) ** 2
    np.fill_diagonal(near, 1)
    return _unit(near @ embeddings)


def _absorb_minor(embeddings: Vectors, weights: Weights, labels: Labels) -> Labels:
    """The windows of clusters too small to be a speaker go to the most alike of the others."""
    sizes = np.bincount(labels, weights)
    minor = np.clip(MINOR_SHARE * sizes.sum(), LEAST_MINOR, MOST_MINOR)
    major = np.flatnonzero(sizes >= min(minor, sizes.max()))
    nearest = major[(embeddings @ _voices(embeddings, weights, labels)[major].T).argmax(axis=1)]
    return _compact(np.where(np.isin(labels, major), labels, nearest))


def _settle(embeddings: Vectors, weights: Weights, labels: Labels) -> Labels:
    """Every window to the most alike voice (a few rounds of spherical k-means)."""
    for _ in range(3):
        labels = _compact((embeddings @ _voices(embeddings, weights, labels).T).argmax(axis=1))
    return labels


def _merge_alike(embeddings: Vectors, weights: Weights, labels: Labels) -> Labels:
    while labels.max() > 0:
        voices = _voices(embeddings, weights, labels)
        affinity = np.tril(voices @ voices.T, -1)
        gone, kept = divmod(int(affinity.argmax()), len(voices))
        if affinity[gone, kept] < SAME_VOICE:
            break
        labels = _compact(np.where(labels == gone, kept, labels))
    return labels


def _voices(embeddings: Vectors, weights: Weights, labels: Labels) -> Vectors:
    """(k, d) unit mean voices of the clusters, weighted by speech."""
    member = (labels == np.arange(labels.max() + 1)[:, None]) * weights
    return _unit(member @ embeddings)


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _compact(labels: npt.NDArray[np.int64]) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
