"""Groups of voice samples, and how likely two of them are one person. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Span
from utils.speakers.activity import close_gaps

Indices = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

SAME_VOICE = 0.55  # cosine similarity from which the means of two long groups are one person's voice
HALF_SPEECH = 0.9  # seconds of a group at which the square of its factor in this threshold is half
APART = 0.3  # subtracted from the similarity of samples that every window separates
HALF_APART = 4  # pairs of samples in one window at which this penalty counts half for two groups
BOND = 0.1  # added to the similarity of samples that windows give to one speaker
HALF_BOND = 10  # pairs of samples in one window at which this bonus counts half for two groups
TURNS = 0.2  # `apart` of two local speakers who take turns
OVERLAP_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class SampledVoices:
    """n voice samples: unit `embeddings` (n, d), weights `trust` (n,), and the `spans` each was taken from;
    `together` (n, n): 1 if some window covers both; `apart` (n, n): from 0 (one speaker, or never together)
    to 1 (in every window two speakers who talk at the same time)."""

    embeddings: Rows
    trust: Rows
    spans: Sequence[tuple[Span, ...]]
    together: Rows
    apart: Rows


@dataclass(frozen=True, slots=True, eq=False)
class VoiceGroups:
    """k groups of samples: weighted sums of their embeddings (k, d), seconds of `speech` (k,), and the sums
    (k, k) of `together` and `apart` over all pairs of samples."""

    sums: Matrix
    speech: Matrix
    together: Matrix
    apart: Matrix

    @property
    def means(self) -> Matrix:
        return np.asarray(self.sums / np.maximum(np.linalg.norm(self.sums, axis=1, keepdims=True), 1e-9))

    def grouped(self, labels: Labels) -> VoiceGroups:
        """The groups of each label as one; labels are 0.. without gaps."""
        member = members(labels)
        return VoiceGroups(
            (member * self.speech[:, None]).T @ self.means,
            self.speech @ member,
            member.T @ self.together @ member,
            member.T @ self.apart @ member,
        )

    def joined(self, keep: int, drop: int) -> tuple[Labels, VoiceGroups]:
        """Two groups made one: the new number of each group, and the groups."""
        labels = np.arange(len(self.speech))
        labels[drop] = keep
        labels = compact(labels)
        return labels, self.grouped(labels)

    def chosen(self, rows: Indices) -> VoiceGroups:
        both = np.ix_(rows, rows)
        return VoiceGroups(self.sums[rows], self.speech[rows], self.together[both], self.apart[both])

    def similarity(self) -> Matrix:
        """(k, k) cosines of the means, less the penalty for samples that windows separate, plus the bonus for
        those that they do not; -inf on the diagonal."""
        means = self.means
        united = np.maximum(self.together - self.apart / TURNS, 0)
        similarity = means @ means.T - APART * self.apart / (self.together + HALF_APART)
        similarity += BOND * united / (self.together + HALF_BOND)
        np.fill_diagonal(similarity, -np.inf)
        return np.asarray(similarity)

    def same_voice(self) -> Matrix:
        """(k, k) the similarity from which two groups are one person. An embedding of little speech is noisy,
        which makes it less similar to its own voice, but not more to others."""
        certainty = np.sqrt(self.speech / (self.speech + HALF_SPEECH))
        return np.asarray(SAME_VOICE * certainty[:, None] * certainty)


def group_voices(samples: SampledVoices, labels: Labels) -> VoiceGroups:
    """The samples of each label as a group. Its speech is what is heard without others, unless it is heard in
    a good share of all: in short recordings some only talk with others, in long ones scraps of overlapping
    speech sound like further people."""
    member = members(labels)
    clear = samples.trust >= 1
    heard = _speech(samples, labels, np.ones_like(clear))
    alone = _speech(samples, labels, clear)
    return VoiceGroups(
        (member * samples.trust[:, None]).T @ samples.embeddings,
        np.where(heard >= OVERLAP_SHARE * heard.sum(), heard, alone),
        member.T @ samples.together @ member,
        member.T @ samples.apart @ member,
    )


def _speech(samples: SampledVoices, labels: Labels, counted: npt.NDArray[np.bool_]) -> Matrix:
    """(k,) seconds that the counted samples of each label cover."""
    spans: list[list[Span]] = [[] for _ in range(labels.max() + 1)]
    for index in np.flatnonzero(counted).tolist():
        spans[labels[index]].extend(samples.spans[index])
    return np.array([_covered(own) for own in spans]) / SAMPLE_RATE


def _covered(spans: Iterable[Span]) -> int:
    return sum(span.num_samples for span in close_gaps(sorted(spans, key=lambda span: span.start), 0))


def members(labels: Labels) -> Matrix:
    """(n, k): 1 where a sample or group has a label; labels are 0.. without gaps."""
    return np.asarray(labels[:, None] == np.arange(labels.max() + 1), np.float64)


def compact(labels: npt.NDArray[np.integer]) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
