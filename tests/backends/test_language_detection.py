"""The languages of the parts of a window, with the real network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.whisper.engine import WhisperEngine
from backends.whisper.language_detection import SILENCE, SPEECH, sample_parts
from backends.whisper.weights import find_weights
from benchmarks.eval_set import read_audio
from models import Span, seconds
from seams import WindowFeatures
from tests.builders import thorough
from tests.recordings import FIXTURES, silence
from utils.audio.log_mel import log_mel


@pytest.mark.parametrize(
    ("name", "languages"), [("whisper-base", ["de", "en", "fr"]), ("whisper-tiny.en", ["en"] * 3)]
)
def test_three_languages_in_one_window_are_told_apart(name: str, languages: list[str]) -> None:
    clips = [read_audio(FIXTURES / f"{clip}.flac")[: seconds(7)] for clip in ("german", "dialogue", "french")]
    audio = np.concatenate([part for clip in clips for part in (clip, silence(0.5))])
    engine = WhisperEngine(find_weights(name, "cpu", "int8", 1, workers=1).load(), beam_size=1)
    (window,) = engine.encode([WindowFeatures(log_mel(audio, 80), len(audio), seconds(28))])
    parts = [Span(start, start + seconds(7)) for start in (0, seconds(7.5), seconds(15))]
    found = engine.languages_of_parts(window, parts)
    assert [max(each, key=each.__getitem__) for each in found] == languages


@thorough
@given(
    st.integers(1, 1500),
    st.lists(st.tuples(st.integers(0, 480_000), st.integers(1, 64_000)), min_size=1, max_size=20),
)
def test_parts_have_one_size_whatever_their_lengths(positions: int, given: list[tuple[int, int]]) -> None:
    states = np.arange(positions, dtype=np.float32)[:, None]
    parts = [Span(start, start + length) for start, length in given]
    sampled = sample_parts(states, parts)
    assert sampled.shape == (len(parts), SPEECH + SILENCE, 1)
    speech = {float(state) for part in sampled for state in part[:SPEECH, 0]}
    silent = {float(state) for state in sampled[0, SPEECH:, 0]}
    assert silent.isdisjoint(speech) or silent <= {float(state) for state in sampled[0, :SPEECH, 0]}
