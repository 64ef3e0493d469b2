"""The real network: what a batch does to a window. Nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from backends.whisper.engine import WhisperEngine
from backends.whisper.weights import find_weights
from models import Audio, WindowText, seconds
from options import DecodeOptions
from seams import EncodedWindow, WindowFeatures
from tests.recordings import conversation
from utils.audio.log_mel import log_mel

SAMPLES = conversation("conversation").samples
WINDOWS = [SAMPLES[:80_000], SAMPLES[64_000:128_000], SAMPLES[32_000:80_000]]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    weights = find_weights("whisper-base", "cpu", "int8", 1, workers=2)
    return WhisperEngine(weights.load(), beam_size=5)


def features(window: Audio, context: int = seconds(10)) -> WindowFeatures:
    return WindowFeatures(log_mel(window, 80), len(window), context)


@pytest.fixture(scope="module")
def encoded(engine: WhisperEngine) -> list[EncodedWindow]:
    return [engine.encode([features(window)])[0] for window in WINDOWS]


def test_the_encoder_hears_each_window_by_itself(engine: WhisperEngine, encoded: list[EncodedWindow]) -> None:
    for alone, together in zip(encoded, engine.encode([*map(features, WINDOWS)]), strict=True):
        assert np.array_equal(alone.states, together.states)
        assert alone.num_samples == together.num_samples


def test_short_and_long_windows_come_back_in_their_order(engine: WhisperEngine) -> None:
    windows = [SAMPLES[:16_000], np.tile(SAMPLES, 4)[:400_000], SAMPLES[:24_000]]
    contexts = (seconds(5), seconds(30), seconds(5))
    encoded = engine.encode([*map(features, windows, contexts)])
    assert [window.num_samples for window in encoded] == [16_000, 400_000, 24_000]
    assert [len(window.states) for window in encoded] == [250, 1500, 250]


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


@pytest.mark.parametrize("beam_size", [1, 5])
def test_a_call_may_name_its_beam(
    engine: WhisperEngine, encoded: list[EncodedWindow], beam_size: int
) -> None:
    weights = find_weights("whisper-base", "cpu", "int8", 1, workers=1)
    other = WhisperEngine(weights.load(), beam_size)
    named = [DecodeOptions("en", beam_size=beam_size)]
    for window in encoded:
        alone = other.decode([window], [DecodeOptions("en")], words=False, temperature=0.0)
        assert engine.decode([window], named, words=False, temperature=0.0) == alone
        assert other.decode([window], named, words=False, temperature=0.0) == alone
