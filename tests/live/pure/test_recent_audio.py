"""The recent part of a stream can be read by its place in the whole stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import SAMPLE_RATE, Span
from utils.live.recent_audio import RecentAudio, RecentSpeech
from utils.speech.speech_map import FRAME


@given(
    st.lists(st.integers(0, 50), max_size=10), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)
)
def test_what_is_kept_reads_as_the_stream_does(
    pieces: list[int], before: int, start: int, length: int
) -> None:
    whole = np.arange(sum(pieces), dtype=np.int16)
    recent, fed = RecentAudio(), 0
    for piece in pieces:
        recent.append(whole[fed : fed + piece])
        fed += piece
    recent.forget(before)
    assert recent.start <= before
    assert recent.stop == len(whole)
    span = Span(recent.start + start, recent.start + start + length)
    assert np.array_equal(recent.read(span) * 32768, whole[span.start : span.stop])


def test_what_is_forgotten_cannot_be_read() -> None:
    recent = RecentAudio()
    recent.append(np.ones(2 * SAMPLE_RATE, np.int16))
    recent.forget(SAMPLE_RATE)
    assert recent.start == SAMPLE_RATE
    with pytest.raises(ValueError, match="forgotten"):
        recent.read(Span(SAMPLE_RATE - 1, SAMPLE_RATE + 10))
    padded = recent.read_padded(Span(SAMPLE_RATE - 1, SAMPLE_RATE + 1))
    assert padded.tolist() == [0, 1 / 32768]
    assert recent.read_padded(Span(0, 3)).tolist() == [0, 0, 0]


@given(st.integers(0, 40), st.integers(0, 45), st.integers(0, 45), st.integers(0, 45))
def test_speech_is_that_of_the_frames_a_span_touches(
    frames: int, before: int, first: int, number: int
) -> None:
    recent = RecentSpeech()
    recent.append(np.arange(frames, dtype=np.float32))
    recent.forget(before * FRAME)
    found = recent.over(Span(first * FRAME + 1, (first + number) * FRAME + 2))
    expected = [n for n in range(frames) if min(before, frames) <= n and first <= n <= first + number]
    assert found.probabilities.tolist() == expected
    assert found.num_samples == len(expected) * FRAME
    if expected:
        assert found.start == expected[0] * FRAME
