from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span
from tests.recordings import speech_map
from utils.speakers.local_speakers import (
    CLASSES,
    FRAME,
    FRAME_CENTRE,
    WINDOW_FRAMES,
    HeardWindows,
    LocalSpeakers,
    combine_windows,
    true_runs,
)
from utils.speakers.network_windows import plan_windows
from utils.speakers.timeline import SIMULTANEOUS, draw_turns, held_apart
from utils.speakers.voice_groups import TURNS
from utils.speakers.voice_samples import VoiceSample, plan_stretches, sample_voices

START = 5 * SAMPLE_RATE


def hear(talks: np.ndarray, seed: int = 0) -> LocalSpeakers:
    """What a faultless network says of (frames, people): the seats of every window are drawn by lot."""
    rng = np.random.default_rng(seed)
    heard = Span(START, START + len(talks) * FRAME + 1000)
    starts = plan_windows(heard, [heard])
    windows = []
    for start in starts:
        first = (start - START) // FRAME
        within = talks[first : first + WINDOW_FRAMES]
        within = np.pad(within, ((0, WINDOW_FRAMES - len(within)), (0, 3 - talks.shape[1])))
        seats = within[:, rng.permutation(3)]
        classes = (seats[:, None] == CLASSES).all(axis=2)
        assert classes.any(axis=1).all()
        windows.append(classes.astype(np.float32))
    spoken = [local_span(heard, *run) for run in true_runs(np.asarray(talks.any(axis=1)))]
    silent = np.zeros((len(starts), WINDOW_FRAMES), np.float32)
    return combine_windows(heard, HeardWindows(starts, np.stack(windows), silent), speech_map(heard, spoken))


def local_span(heard: Span, first: int, last: int) -> Span:
    """The samples of the frames `[first, last)`."""
    edge = heard.start + FRAME_CENTRE - FRAME // 2
    return Span(edge + first * FRAME, edge + last * FRAME)


def people_of(samples: list[VoiceSample], talks: np.ndarray, local: LocalSpeakers) -> np.ndarray:
    """(n, people): whose voice the spans of each sample hold most of."""
    rows = []
    for sample in samples:
        share = np.zeros(talks.shape[1])
        for span in sample.spans:
            first = round((span.start - local.sample(0)) / FRAME)
            share += talks[first : first + span.num_samples // FRAME].sum(axis=0)
        rows.append(share == share.max())
    return np.array(rows, np.float32)


@st.composite
def meetings(draw: st.DrawFn) -> np.ndarray:
    """Turns of two people, of two seconds and more, with pauses, changes at once and talk over each other."""
    talks = np.zeros((0, 2), np.bool_)
    for who in draw(st.lists(st.sampled_from([(1, 0), (0, 1), (0, 0)]), min_size=1, max_size=12)):
        talks = np.vstack([talks, np.tile(np.array(who, np.bool_), (draw(st.integers(120, 600)), 1))])
    over = draw(st.integers(0, 60))
    starts = np.flatnonzero(np.diff(talks[:, 1].astype(int)) == 1) + 1
    for start in starts.tolist():
        talks[max(start - over, 0) : start, 1] |= talks[max(start - over, 0) : start, 0]
    return talks


@settings(deadline=None, max_examples=30)
@given(meetings(), st.integers(0, 99))
def test_what_the_windows_hear_is_put_together_again(talks: np.ndarray, seed: int) -> None:
    local = hear(talks, seed)
    samples = [sample for found in sample_voices(local, plan_stretches(local)) for sample in found]
    if not samples:
        assert not talks.any()
        return
    people = people_of(samples, talks, local)
    turns = draw_turns(local, samples, people.argmax(axis=1), people)
    drawn = np.zeros_like(talks)
    for turn in turns:
        first, last = (round((edge - local.sample(0)) / FRAME) for edge in (turn.start, turn.stop))
        drawn[max(first, 0) : last, turn.speaker] = True
    assert (drawn != talks).mean() < 0.03


@given(meetings(), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_samples_hold_one_voice_and_windows_know_who_is_not_who(talks: np.ndarray, seed: int) -> None:
    local = hear(talks, seed)
    samples = [sample for found in sample_voices(local, plan_stretches(local)) for sample in found]
    people = people_of(samples, talks, local).reshape(len(samples), 2)
    clean = np.array([sample.trust == 1 for sample in samples], np.bool_)
    assert (people[clean].sum(axis=1) == 1).all()
    together, apart = held_apart(local, samples)
    who = people.argmax(axis=1)
    differ = (who[:, None] != who) & clean[:, None] & clean
    assert np.array_equal((apart > 0) & clean[:, None] & clean, (together > 0) & differ)


@pytest.mark.parametrize(("overlap", "evidence"), [(0, TURNS), (SIMULTANEOUS - 5, TURNS), (SIMULTANEOUS, 1)])
def test_who_talks_at_the_same_time_is_held_apart_more_than_who_takes_turns(
    overlap: int, evidence: float
) -> None:
    talks = np.zeros((589, 2), np.bool_)
    talks[:300, 0] = talks[300 - overlap :, 1] = True
    local = hear(talks)
    samples = [sample for found in sample_voices(local, plan_stretches(local)) for sample in found]
    together, apart = held_apart(local, samples)
    assert together.all()
    assert apart[0, -1] == pytest.approx(evidence)
    assert not apart.diagonal().any()


def test_two_who_talk_at_once_are_two_speakers_even_if_both_sound_most_like_the_louder() -> None:
    talks = np.zeros((1200, 2), np.bool_)
    talks[:800, 0] = talks[600:, 1] = True
    local = hear(talks)
    samples = [sample for found in sample_voices(local, plan_stretches(local)) for sample in found]
    who = people_of(samples, talks, local).argmax(axis=1)
    within = np.array([600 <= sample.centre < 800 for sample in samples])
    similarity = np.where(within[:, None], [0.9, 0.3], np.eye(2)[who]).astype(np.float32)
    similarity[within & (who == 1), 1] = 0.4
    turns = draw_turns(local, samples, who, similarity)
    middle = local.sample(700)
    assert {turn.speaker for turn in turns if turn.start <= middle < turn.stop} == {0, 1}


def test_whom_the_clustering_gave_a_sample_to_decides_between_voices_that_sound_the_same() -> None:
    local = hear(np.ones((600, 1), np.bool_))
    samples = [sample for found in sample_voices(local, plan_stretches(local)) for sample in found]
    alike = np.full((len(samples), 2), 0.5, np.float32)
    for speaker in (0, 1):
        turns = draw_turns(local, samples, np.full(len(samples), speaker), alike)
        longest = max(turns, key=lambda turn: turn.stop - turn.start)
        assert longest.speaker == speaker
