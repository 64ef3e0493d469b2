"""The real network: what a batch does to a window. Nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.whisper.engine import WhisperEngine, context
from backends.whisper.weights import find_weights
from models import WindowText
from options import DecodeOptions
from seams import EncodedWindow
from tests.recordings import conversation

SAMPLES = conversation("conversation").samples
WINDOWS = [SAMPLES[:80_000], SAMPLES[64_000:128_000], SAMPLES[32_000:80_000]]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    weights = find_weights("whisper-base", "cpu", "int8", 1, workers=2)
    return WhisperEngine(weights.load(), beam_size=5, short_contexts=True)


@pytest.fixture(scope="module")
def encoded(engine: WhisperEngine) -> list[EncodedWindow]:
    return [engine.encode([window])[0] for window in WINDOWS]


def test_the_encoder_hears_each_window_by_itself(engine: WhisperEngine, encoded: list[EncodedWindow]) -> None:
    for alone, together in zip(encoded, engine.encode(WINDOWS), strict=True):
        assert np.array_equal(alone.states, together.states)
        assert alone.num_samples == together.num_samples


def test_short_and_long_windows_come_back_in_their_order(engine: WhisperEngine) -> None:
    windows = [SAMPLES[:16_000], np.tile(SAMPLES, 4)[:400_000], SAMPLES[:24_000]]
    encoded = engine.encode(windows)
    assert [window.num_samples for window in encoded] == [16_000, 400_000, 24_000]
    assert [len(window.states) for window in encoded] == [750, 1500, 750]  # 15 s and 30 s


@given(num_samples=st.integers(1, 480_000))
def test_a_window_keeps_ten_seconds_of_silence_or_has_all_that_the_model_takes(num_samples: int) -> None:
    length = context(num_samples)
    assert num_samples <= length <= 480_000
    assert length - num_samples >= 160_000 or length == 480_000


def test_windows_side_by_side_come_out_as_alone(engine: WhisperEngine, encoded: list[EncodedWindow]) -> None:
    def decode(window: EncodedWindow) -> list[WindowText]:
        return engine.decode([window], [DecodeOptions("en")], words=True, temperature=0.0)

    alone = [decode(window) for window in encoded]
    with ThreadPoolExecutor(2) as lanes:
        assert list(lanes.map(decode, encoded * 2)) == alone * 2


def test_a_result_does_not_depend_on_batch_mates_nor_on_their_language(
    engine: WhisperEngine, encoded: list[EncodedWindow]
) -> None:
    english = DecodeOptions("en", logprobs=True)
    options = [english, replace(english, language="de"), english]
    together = engine.decode(encoded, options, words=True, temperature=0.0)
    for window, own, text in zip(encoded, options, together, strict=True):
        assert engine.decode([window], [own], words=True, temperature=0.0) == [text]
    assert all(text.words and text.logprobs for text in together)
