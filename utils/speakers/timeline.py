"""Maps clustered voices back to the local speakers of every window and builds the turns. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Span, SpeakerTurn
from utils.speakers.activity import close_gaps
from utils.speakers.local_speakers import (
    WINDOW_FRAMES,
    Flags,
    Floats,
    LocalSpeakers,
    average,
    true_runs,
)
from utils.speakers.voice_groups import TURNS, Labels
from utils.speakers.voice_samples import VoiceSample

Indices = npt.NDArray[np.int64]

REACH = 45  # frames; samples within 0.75 s of a frame determine its speaker
CLUSTER_BONUS = 0.1  # added to the cosine similarity of a sample and the speaker of its cluster
OVERLAP = 1.7  # mean number of local speakers from which two talk at once
MIN_VOTES = 0.3  # share of the votes that a second speaker needs
MAX_PAUSE = SAMPLE_RATE // 4  # inside a turn
SIMULTANEOUS = 30  # frames of overlap, half a second, which prove two local speakers two people
SHORTEST_TURN = 6  # frames: a tenth of a second


def held_apart(local: LocalSpeakers, samples: Sequence[VoiceSample]) -> tuple[Floats, Floats]:
    """(n, n) each: whether any window covers both samples, and how clearly such windows separate them: 1 if
    all hear two speakers who somewhere talk at the same time, `TURNS` if all hear two who take turns, since
    one person who changes voice sounds like that, 0 if none hears two."""
    together = np.zeros((len(samples), len(samples)), np.float32)
    apart = np.zeros_like(together)
    for window, rows, seats in _samples_by_window(local, samples):
        both = np.ix_(rows, rows)
        together[both] += 1
        apart[both] += _separated(local.talks[window])[seats[:, None], seats]
    return np.minimum(together, 1), np.asarray(apart / np.maximum(together, 1), np.float32)


def _separated(talks: Flags) -> Floats:
    """(seats, seats): how clearly a window of (frames, seats) separates its local speakers."""
    frames = talks.astype(np.float32)
    separated = np.where(frames.T @ frames >= SIMULTANEOUS, 1, TURNS)
    np.fill_diagonal(separated, 0)
    return np.asarray(separated, np.float32)


def draw_turns(
    local: LocalSpeakers, samples: Sequence[VoiceSample], labels: Labels, similarity: Floats
) -> tuple[SpeakerTurn, ...]:
    """Turns in order of time, those of one speaker disjoint; `labels` (n,) are the speakers of the samples,
    `similarity` (n, k) the cosine similarities of the samples and the voices of k speakers.

    In every window each local speaker maps, frame by frame, to the speaker most similar to nearby samples,
    and two who talk at once to two speakers. The windows vote on who talks and how many at once (after Bredin
    2023, pyannote.audio 2.1).
    """
    assigned = labels[:, None] == np.arange(similarity.shape[1])
    votes = _votes(local, samples, similarity + CLUSTER_BONUS * assigned.astype(np.float32))
    talking = np.where(local.talk, np.maximum(np.floor(local.number + 2 - OVERLAP), 1), 0)
    rank = np.argsort(np.argsort(-votes, axis=1, kind="stable"), axis=1)
    enough = (rank == 0) | (votes >= MIN_VOTES)
    talks = (rank < talking[:, None]) & enough & (votes > 0)
    turns = [
        SpeakerTurn(span.start, span.stop, speaker)
        for speaker, flags in enumerate(talks.T)
        for span in _spans(local, flags) or _spans(local, _sample_frames(local, samples, labels == speaker))
    ]
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.stop, turn.speaker)))


def _spans(local: LocalSpeakers, talks: Flags) -> list[Span]:
    long = (local.span(first, last) for first, last in true_runs(talks) if last - first >= SHORTEST_TURN)
    return list(close_gaps(long, MAX_PAUSE))


def _sample_frames(local: LocalSpeakers, samples: Sequence[VoiceSample], mine: Flags) -> Flags:
    """The frames around the samples of a speaker without turns, so that the requested number is met."""
    flags = np.zeros(len(local.speech), np.bool_)
    for index in np.flatnonzero(mine).tolist():
        flags[max(samples[index].centre - SHORTEST_TURN, 0) : samples[index].centre + SHORTEST_TURN] = True
    return flags


def _votes(local: LocalSpeakers, samples: Sequence[VoiceSample], similarity: Floats) -> Floats:
    """(frames of the chunk, k): the mean over windows of the speakers that each frame's local ones map to."""
    mapped = np.zeros((len(local.starts), WINDOW_FRAMES, similarity.shape[1]), np.float32)
    centres = np.array([sample.centre for sample in samples], np.int64)
    trust = np.array([sample.trust for sample in samples], np.float32)
    for window, rows, seats in _samples_by_window(local, samples):
        nearby = {}
        for seat in np.unique(seats).tolist():
            mine = rows[seats == seat]
            nearby[seat] = _near(centres[mine] - int(local.starts[window]), trust[mine], similarity[mine])
            talks = np.flatnonzero(local.talks[window, :, seat])
            mapped[window, talks, nearby[seat][talks].argmax(axis=1)] = 1
        for one, other in combinations(nearby, 2):
            both = np.flatnonzero(local.talks[window, :, one] & local.talks[window, :, other])
            mapped[window, both] = _best_pairs(nearby[one][both], nearby[other][both])
    return average(mapped, local.starts, len(local.speech))


def _best_pairs(one: Floats, other: Floats) -> Flags:
    """(frames, k): the two different speakers of the greatest sum of similarities, or the only one there is.
    Two voices heard at once sound alike, so that both would often map to the louder."""
    pairs = np.zeros(one.shape, np.bool_)
    first, second = one.argmax(axis=1), other.argmax(axis=1)
    if one.shape[1] > 1:
        next_first, loss = _second_best(one)
        next_second, other_loss = _second_best(other)
        clash = first == second
        first = np.where(clash & (loss < other_loss), next_first, first)
        second = np.where(clash & (loss >= other_loss), next_second, second)
    frames = np.arange(len(one))
    pairs[frames, first] = pairs[frames, second] = True
    return pairs


def _second_best(rows: Floats) -> tuple[Indices, Floats]:
    """The second largest of each row, and how far it is below the largest."""
    best, following = np.argsort(-rows, axis=1, kind="stable")[:, :2].T
    frames = np.arange(len(rows))
    return following, rows[frames, best] - rows[frames, following]


def _near(places: Indices, trust: Floats, rows: Floats) -> Floats:
    """(WINDOW_FRAMES, k): for every frame the weighted mean of the rows within `REACH`, or else of all."""
    total = np.zeros((WINDOW_FRAMES + 1, rows.shape[1] + 1), np.float64)
    np.add.at(total, places + 1, trust[:, None] * np.c_[rows, np.ones(len(rows))])
    total = total.cumsum(axis=0)
    frames = np.arange(WINDOW_FRAMES)
    near = total[np.minimum(frames + REACH + 1, WINDOW_FRAMES)] - total[np.maximum(frames - REACH, 0)]
    near = np.where(near[:, -1:] > 1e-6, near, total[-1])
    return np.asarray(near[:, :-1] / near[:, -1:], np.float32)


def _samples_by_window(
    local: LocalSpeakers, samples: Sequence[VoiceSample]
) -> Iterator[tuple[int, Indices, Indices]]:
    """Each window, the samples whose speaker it identifies, and their seats in it. Samples of overlapping
    speech are identified only by their own window, others wherever their speaker talks alone."""
    centres = np.array([sample.centre for sample in samples], np.int64)
    windows = np.array([sample.window for sample in samples], np.int64)
    seats = np.array([sample.seat for sample in samples], np.int64)
    alone = local.alone
    clear = alone[windows, centres - local.starts[windows], seats]
    for window, start in enumerate(local.starts.tolist()):
        rows = np.flatnonzero((centres >= start) & (centres < start + WINDOW_FRAMES))
        there = alone[window, centres[rows] - start]
        own = windows[rows] == window
        known = own | (clear[rows] & there.any(axis=1))
        yield window, rows[known], np.where(own, seats[rows], there.argmax(axis=1))[known]
