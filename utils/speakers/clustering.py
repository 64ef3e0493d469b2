"""Separates the voices of a chunk: agglomerative clustering with soft cannot-link constraints. Pure."""

from __future__ import annotations

import numpy as np

from options import SpeakerCount
from utils.numeric.average_linkage import Merges, average_linkage
from utils.speakers.voice_groups import (
    APART,
    Indices,
    Labels,
    Rows,
    SampledVoices,
    VoiceGroups,
    compact,
    group_voices,
)

SAME_CLUSTER = 0.375  # mean cosine similarity from which two clusters of samples are linked
SCRAP = 0.8  # seconds: clusters of less take no part in merging
MAX_SPLITS = 20  # into finer clusters, to find as many speakers as there are said to be
MAX_CLUSTERS = 300  # that take part: the time is cubic in them
# Seconds of speech without which nobody is a further speaker, and below which only somebody is whose
# similarity to all others is at most `UNLIKE`: scraps of two voices resemble either of them a little.
MIN_SPEECH, SURE_SPEECH, UNLIKE = 1.0, 2.0, 0.25


def cluster_voices(samples: SampledVoices, count: SpeakerCount) -> Labels:
    """(n,) speakers 0.. of the samples; obeys `count` as far as n allows.

    Average linkage to pure clusters, then the most similar are merged as long as their means are similar
    enough for the speech they have. Who has too little goes to the most similar of the rest.
    """
    number = len(samples.spans)
    if number < 2:
        return np.zeros(number, dtype=np.int64)
    cosines = samples.embeddings @ samples.embeddings.T
    merges = average_linkage(np.clip(1 - cosines + APART * samples.apart, 0, None))
    pure = _pure_clusters(samples, merges, count.minimum)
    return compact(_speakers(group_voices(samples, pure), count)[pure])


def _pure_clusters(samples: SampledVoices, merges: Merges, min_speakers: int) -> Labels:
    """(n,) clusters of one voice each; finer ones if too few have the speech of a speaker."""
    pure = compact(merges.at_height(1 - SAME_CLUSTER))
    if min_speakers == 1:
        return pure
    number, most = int(pure.max()) + 1, len(samples.spans)
    for clusters in range(number, min(number + min_speakers + MAX_SPLITS, most + 1)):
        split = compact(merges.into(clusters))
        if (group_voices(samples, split).speech >= MIN_SPEECH).sum() >= min_speakers:
            return split
    return pure if number >= min_speakers else compact(merges.into(min(min_speakers, most)))


def _speakers(clusters: VoiceGroups, count: SpeakerCount) -> Labels:
    """(k,) the speaker of each cluster."""
    ranked = np.argsort(-clusters.speech, kind="stable")
    whole = int((clusters.speech >= SCRAP).sum())
    large = np.sort(ranked[: max(min(whole, MAX_CLUSTERS), count.minimum, 1)])
    merged = clusters.chosen(large)
    labels = _merge_alike(merged, count.minimum)
    voices = merged.grouped(labels)
    known = _distinct(voices, count.minimum)
    speakers = _merge_down(voices.chosen(known), count.maximum or len(known))
    nearest = (clusters.means @ voices.means[known].T).argmax(axis=1)
    for speaker, voice in enumerate(known.tolist()):
        nearest[large[labels == voice]] = speaker
    return np.asarray(speakers[nearest])


def _merge_alike(groups: VoiceGroups, min_speakers: int) -> Labels:
    """Merges the most similar pair, for its speech, until none is similar enough. If that leaves too few
    speakers, the last merges are undone."""
    labels = np.arange(len(groups.speech))
    history = [labels]
    merged = groups
    while len(merged.speech) > 1:
        excess = merged.similarity() - merged.same_voice()
        keep, drop = divmod(int(excess.argmax()), len(merged.speech))
        if excess[keep, drop] < 0:
            break
        joined, merged = merged.joined(keep, drop)
        labels = joined[labels]
        history.append(labels)
    while len(history) > 1 and len(_distinct(groups.grouped(history[-1]))) < min_speakers:
        history.pop()
    return history[-1]


def _distinct(groups: VoiceGroups, min_speakers: int = 1) -> Indices:
    """The groups with enough speech for a speaker, at least the `min_speakers` with the most."""
    similarity = groups.similarity()
    known = np.ones(len(groups.speech), np.bool_)
    for group in np.argsort(groups.speech, kind="stable")[: max(len(known) - min_speakers, 0)].tolist():
        speech = groups.speech[group]
        known[group] = False
        known[group] = speech >= MIN_SPEECH and (
            speech >= SURE_SPEECH or similarity[group, known].max() <= UNLIKE
        )
    return np.flatnonzero(known)


def _merge_down(groups: VoiceGroups, max_speakers: int) -> Labels:
    """Ward's criterion until `max_speakers` are left: it merges small groups before large ones."""
    labels = np.arange(len(groups.speech))
    while (number := len(groups.speech)) > max_speakers:
        joint = 1 / (1 / groups.speech[:, None] + 1 / groups.speech)
        cost = (1 - groups.similarity()) * joint
        keep, drop = divmod(int(cost.argmin()), number)
        joined, groups = groups.joined(keep, drop)
        labels = joined[labels]
    return labels


def mean_rows(rows: Rows, weights: Rows, labels: Labels) -> Rows:
    """(k, d) unit means of the rows of each label."""
    means = ((labels == np.arange(labels.max() + 1)[:, None]) * weights) @ rows
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)
