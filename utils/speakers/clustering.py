"""Voices of one chunk told apart: agglomerative clustering that knows who was heard as two. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage
from scipy.spatial.distance import squareform

from options import SpeakerCount

Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

SAME_CLUSTER = 0.375  # mean cosine of the samples of two clusters that are one speaker
SAME_VOICE = 0.63  # the same of two speakers, as a share of how alike the samples of each are
ONE_VOICE = 2.5  # samples of the same voice, presumed of any two speakers beside those that are heard
APART = 0.3  # taken off the likeness of those whom every window hears as two
HALF_APART = 4  # pairs of samples in one window, of which so many count half
MINOR_SHARE, LEAST_MINOR, MOST_MINOR = 0.02, 4, 12  # a speaker has this share of samples, within bounds
FAR = 1.5  # seconds between samples that share no audio
FEW_PAIRS = 10  # so many pairs say half of how alike a speaker's samples are; all speakers say the rest
LEAST_COHERENCE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class SampledVoices:
    """n samples of voices: unit `embeddings` (n, d), how far to `trust` each (n,), their `times` (n,) in
    seconds; `together` (n, n): 1 for samples that one window heard, and `apart`: from 0, heard as one person
    or never together, to 1, as two by every window."""

    embeddings: Rows
    trust: Rows
    times: Matrix
    together: Rows
    apart: Rows


def cluster_voices(heard: SampledVoices, count: SpeakerCount) -> Labels:
    """(n,) speakers 0.. of the samples; obeys `count` as far as n allows.

    Average linkage up to clusters that are pure; those too small to be a speaker are absorbed. What is left
    is merged by how alike two clusters are beside how alike each is in itself, since noise makes all
    samples less alike and a telephone all voices more (Spearman's correction for attenuation), and the
    sooner the fewer their samples are: a fragment proves a further speaker less than a long turn does.
    """
    number = len(heard.times)
    if number < 2:
        return np.zeros(number, dtype=np.int64)
    cosines = heard.embeddings @ heard.embeddings.T
    distance = np.clip(1 - cosines + APART * heard.apart, 0, None)
    tree = linkage(squareform(distance, checks=False), "average")
    labels = _absorb_minor(heard, cosines, fcluster(tree, 1 - SAME_CLUSTER, "distance"), count.minimum)
    if labels.max() + 1 < count.minimum:
        labels = compact(cut_tree(tree, n_clusters=min(count.minimum, number))[:, 0])
    return _merge(heard, cosines, labels, count)


def _absorb_minor(
    heard: SampledVoices, cosines: Rows, labels: npt.NDArray[np.integer], fewest: int
) -> Labels:
    """The samples of clusters too small to be a speaker go to the most alike of the others. The `fewest`
    largest are large enough, and so is one that sounds like none of the large ones in some samples that can
    be trusted: of many people each says little."""
    labels = compact(labels)
    sizes = np.bincount(labels)
    minor = np.clip(MINOR_SHARE * sizes.sum(), LEAST_MINOR, MOST_MINOR)
    least = min(minor, np.sort(sizes)[-min(fewest, len(sizes))])
    large = sizes >= least
    strange = _likeness(heard, cosines, labels)[:, large].max(axis=1) < SAME_VOICE
    trusted = np.bincount(labels, weights=heard.trust)
    major = np.flatnonzero(large | (strange & (trusted >= LEAST_MINOR)))
    nearest = major[
        (heard.embeddings @ mean_rows(heard.embeddings, heard.trust, labels)[major].T).argmax(axis=1)
    ]
    return compact(np.where(np.isin(labels, major), labels, nearest))


def _merge(heard: SampledVoices, cosines: Rows, labels: Labels, count: SpeakerCount) -> Labels:
    """Merges the most alike until no two are alike enough, and on to `count.maximum` if there is one."""
    while (number := int(labels.max()) + 1) > count.minimum:
        likeness = _likeness(heard, cosines, labels)
        pair = int(likeness.argmax())
        if likeness.flat[pair] < SAME_VOICE:
            if number <= (count.maximum or number):
                break
            cost = (1 - likeness) * _joint_size(labels)
            pair = int(cost.argmin())  # Ward's criterion: small speakers are given up before large ones
        kept, gone = divmod(pair, number)
        labels = compact(np.where(labels == gone, kept, labels))
    return labels


def _likeness(heard: SampledVoices, cosines: Rows, labels: Labels) -> Matrix:
    """(k, k) mean cosine of samples far enough apart in time, as a share of that within the speakers, less
    what speaks against one person; -inf on the diagonal."""
    member = (labels[:, None] == np.arange(labels.max() + 1)).astype(np.float64)

    def summed(pairs: npt.NDArray[np.floating]) -> Matrix:
        return np.asarray(member.T @ (pairs @ member))

    far = np.abs(heard.times[:, None] - heard.times) >= FAR
    weights = far * heard.trust[:, None] * heard.trust
    total, weight = summed(cosines * weights), summed(weights)
    usual = total.trace() / weight.trace() if weight.trace() else SAME_CLUSTER
    own = (total.diagonal() + FEW_PAIRS * usual) / (weight.diagonal() + FEW_PAIRS)
    own = np.sqrt(np.maximum(own, LEAST_COHERENCE))
    voices = mean_rows(heard.embeddings, heard.trust, labels)
    mean = total / np.where(weight > 0, weight, 1) / (own[:, None] * own)
    likeness = np.where(weight > 0, mean, voices @ voices.T)
    likeness -= APART * summed(heard.apart) / (summed(heard.together) + HALF_APART)
    size = _joint_size(labels)
    likeness = (size * likeness + ONE_VOICE) / (size + ONE_VOICE)
    np.fill_diagonal(likeness, -np.inf)
    return likeness


def _joint_size(labels: Labels) -> Matrix:
    """(k, k) half the harmonic mean of the samples of two speakers: near the number of the smaller."""
    sizes = np.bincount(labels).astype(np.float64)
    return np.asarray(1 / (1 / sizes[:, None] + 1 / sizes))


def mean_rows(rows: Rows, weights: Rows, labels: Labels) -> Rows:
    """(k, d) unit means of the rows of each label."""
    means = ((labels == np.arange(labels.max() + 1)[:, None]) * weights) @ rows
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)


def compact(labels: npt.NDArray[np.integer]) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
