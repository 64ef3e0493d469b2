"""Separates the voices of a chunk: agglomerative clustering with soft cannot-link constraints. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from options import SpeakerCount

Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

SAME_CLUSTER = 0.375  # mean cosine similarity from which two clusters of samples are linked
SAME_VOICE = 0.63  # similarity from which two speakers are merged, relative to that within each
PRIOR_SAMPLES = 2.5  # shrinkage: samples of one common voice assumed of any two speakers
APART = 0.3  # subtracted from the similarity of samples that every window separates
HALF_APART = 4  # pairs of samples in one window at which this penalty counts half for two speakers
MINOR_SHARE, MIN_MINOR, MAX_MINOR = 0.02, 4, 12  # smallest share of samples of a speaker, and its bounds
FAR = 1.5  # seconds between samples that share no audio
PRIOR_PAIRS = 10  # pairs at which a speaker's own coherence weighs half; the mean of all weighs the rest
MIN_COHERENCE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class SampledVoices:
    """n voice samples: unit `embeddings` (n, d), weights `trust` (n,), `times` (n,) in seconds; `together`
    (n, n): 1 if some window covers both; `apart` (n, n): from 0 (one speaker, or never together) to 1 (two
    speakers in every window)."""

    embeddings: Rows
    trust: Rows
    times: Matrix
    together: Rows
    apart: Rows


def cluster_voices(samples: SampledVoices, count: SpeakerCount) -> Labels:
    """(n,) speakers 0.. of the samples; obeys `count` as far as n allows.

    Average linkage to pure clusters; those too small for a speaker are absorbed. The rest are merged by their
    similarity relative to that within each, since noise makes all samples less similar and a telephone all
    voices more (Spearman's correction for attenuation), and the sooner the fewer their samples are: a
    fragment is weaker evidence of a further speaker than a long turn.
    """
    # At the top, SciPy would make every start of the server a third of a second longer.
    from scipy.cluster.hierarchy import cut_tree, fcluster, linkage
    from scipy.spatial.distance import squareform

    number = len(samples.times)
    if number < 2:
        return np.zeros(number, dtype=np.int64)
    cosines = samples.embeddings @ samples.embeddings.T
    distance = np.clip(1 - cosines + APART * samples.apart, 0, None)
    tree = linkage(squareform(distance, checks=False), "average")
    labels = _absorb_minor(samples, cosines, fcluster(tree, 1 - SAME_CLUSTER, "distance"), count.minimum)
    if labels.max() + 1 < count.minimum:
        labels = compact(cut_tree(tree, n_clusters=min(count.minimum, number))[:, 0])
    return _merge(samples, cosines, labels, count)


def _absorb_minor(
    samples: SampledVoices, cosines: Rows, labels: npt.NDArray[np.integer], min_speakers: int
) -> Labels:
    """Samples of clusters too small for a speaker go to the most similar other cluster. The `min_speakers`
    largest stay, and so does one with enough trusted samples that resembles none of the large ones: among
    many people each may say little."""
    labels = compact(labels)
    sizes = np.bincount(labels)
    minor = np.clip(MINOR_SHARE * sizes.sum(), MIN_MINOR, MAX_MINOR)
    min_size = min(minor, np.sort(sizes)[-min(min_speakers, len(sizes))])
    large = sizes >= min_size
    distinct = _similarity(samples, cosines, labels)[:, large].max(axis=1) < SAME_VOICE
    trusted = np.bincount(labels, weights=samples.trust)
    major = np.flatnonzero(large | (distinct & (trusted >= MIN_MINOR)))
    nearest = major[
        (samples.embeddings @ mean_rows(samples.embeddings, samples.trust, labels)[major].T).argmax(axis=1)
    ]
    return compact(np.where(np.isin(labels, major), labels, nearest))


def _merge(samples: SampledVoices, cosines: Rows, labels: Labels, count: SpeakerCount) -> Labels:
    """Merges the most similar pair until none is similar enough, and on to `count.maximum` if it is set."""
    while (number := int(labels.max()) + 1) > count.minimum:
        similarity = _similarity(samples, cosines, labels)
        pair = int(similarity.argmax())
        if similarity.flat[pair] < SAME_VOICE:
            if number <= (count.maximum or number):
                break
            cost = (1 - similarity) * _joint_size(labels)
            pair = int(cost.argmin())  # Ward's criterion: small speakers are merged before large ones
        keep, drop = divmod(pair, number)
        labels = compact(np.where(labels == drop, keep, labels))
    return labels


def _similarity(samples: SampledVoices, cosines: Rows, labels: Labels) -> Matrix:
    """(k, k) mean cosine similarity of samples far enough apart in time, relative to that within the
    speakers, less the penalty for samples that windows separate; -inf on the diagonal."""
    member = (labels[:, None] == np.arange(labels.max() + 1)).astype(np.float64)

    def summed(pairs: npt.NDArray[np.floating]) -> Matrix:
        return np.asarray(member.T @ (pairs @ member))

    far = np.abs(samples.times[:, None] - samples.times) >= FAR
    weights = far * samples.trust[:, None] * samples.trust
    total, weight = summed(cosines * weights), summed(weights)
    overall = total.trace() / weight.trace() if weight.trace() else SAME_CLUSTER
    own = (total.diagonal() + PRIOR_PAIRS * overall) / (weight.diagonal() + PRIOR_PAIRS)
    own = np.sqrt(np.maximum(own, MIN_COHERENCE))
    voices = mean_rows(samples.embeddings, samples.trust, labels)
    mean = total / np.where(weight > 0, weight, 1) / (own[:, None] * own)
    similarity = np.where(weight > 0, mean, voices @ voices.T)
    similarity -= APART * summed(samples.apart) / (summed(samples.together) + HALF_APART)
    size = _joint_size(labels)
    similarity = (size * similarity + PRIOR_SAMPLES) / (size + PRIOR_SAMPLES)
    np.fill_diagonal(similarity, -np.inf)
    return similarity


def _joint_size(labels: Labels) -> Matrix:
    """(k, k) half the harmonic mean of the sample counts of two speakers: close to the smaller one."""
    sizes = np.bincount(labels).astype(np.float64)
    return np.asarray(1 / (1 / sizes[:, None] + 1 / sizes))


def mean_rows(rows: Rows, weights: Rows, labels: Labels) -> Rows:
    """(k, d) unit means of the rows of each label."""
    means = ((labels == np.arange(labels.max() + 1)[:, None]) * weights) @ rows
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)


def compact(labels: npt.NDArray[np.integer]) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
