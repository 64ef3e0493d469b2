"""Which windows a segmentation network hears."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span
from tests.recordings import speech_map
from utils.speakers.local_speakers import CLASSES, FRAME, WINDOW, WINDOW_FRAMES
from utils.speakers.network_windows import (
    HOP,
    WIDE_HOP,
    misses_speech,
    plan_between,
    plan_windows,
)


@given(st.integers(1, 90 * SAMPLE_RATE), st.integers(0, 10 * SAMPLE_RATE))
def test_all_speech_is_heard_twice_but_for_the_ends(num_samples: int, start: int) -> None:
    heard = Span(start, start + num_samples)
    starts = plan_windows(heard, [heard])
    assert starts[0] == start
    assert starts[-1] + WINDOW >= heard.stop > starts[-1]
    assert {after - before for before, after in pairwise(starts)} <= {HOP, WIDE_HOP}


def test_where_nobody_speaks_nothing_is_heard() -> None:
    heard = Span(0, 60 * SAMPLE_RATE)
    assert plan_windows(heard, []) == []
    speech = Span(31 * SAMPLE_RATE, 32 * SAMPLE_RATE)
    assert all(s < speech.stop and s + WINDOW > speech.start for s in plan_windows(heard, [speech]))


def window_of(talks: np.ndarray, start: int, order: tuple[int, ...]) -> np.ndarray:
    """The window at a sample, its seats in that order."""
    first = start // FRAME
    seats = talks[first : first + WINDOW_FRAMES][:, order]
    return np.asarray((seats[:, None] == CLASSES).all(axis=2), np.float32)


@given(st.permutations(range(3)), st.integers(0, 200))
def test_a_window_lies_between_two_that_tell_others_apart(order: tuple[int, ...], changed: int) -> None:
    """Seats mean nothing outside a window, so that other seats alone are no reason."""
    talks = np.zeros((3 * WINDOW_FRAMES, 3), np.bool_)
    talks[:400, 0] = talks[350:900, 1] = talks[900:, 2] = True
    starts = [0, WIDE_HOP, 2 * WIDE_HOP, 2 * WIDE_HOP + HOP]
    windows = [window_of(talks, start, order if n % 2 else (0, 1, 2)) for n, start in enumerate(starts)]
    assert plan_between(starts, np.stack(windows)) == []
    shared = WINDOW_FRAMES - WIDE_HOP // FRAME
    windows[1][-changed or WINDOW_FRAMES :] = np.eye(7)[0]  # nobody
    between = plan_between(starts, np.stack(windows))
    assert between == ([WIDE_HOP + HOP] if changed > 0.1 * shared else [])


def test_a_window_whose_speech_the_network_misses_is_told_from_others() -> None:
    """Where it says nobody talks and the detector is sure, for long enough, within the recording."""
    heard = Span(0, WINDOW + 4 * HOP)
    detected = speech_map(heard, [Span(0, 3 * SAMPLE_RATE), Span(heard.stop - SAMPLE_RATE, heard.stop)])
    classes = np.tile(np.eye(7, dtype=np.float32)[0], (3, WINDOW_FRAMES, 1))
    starts = [0, HOP, heard.stop - SAMPLE_RATE]
    assert misses_speech(starts, classes, detected).tolist() == [True, False, False]
    classes[0] = np.eye(7)[1]
    assert not misses_speech(starts, classes, detected).any()
