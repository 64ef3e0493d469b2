"""The real network: what a batch does to a window. Nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models import DecodeOptions
from services.whisper_batcher import EncodedWindow
from services.whisper_engine import WhisperEngine
from services.whisper_weights import find_weights
from tests.speech import conversation

SAMPLES = conversation("conversation").samples
WINDOWS = [SAMPLES[:96_000], SAMPLES[64_000:128_000], SAMPLES[32_000:80_000]]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return WhisperEngine(find_weights("whisper-base", "cpu", "int8", 1).load(), beam_size=5)


@pytest.fixture(scope="module")
def encoded(engine: WhisperEngine) -> list[EncodedWindow]:
    return [engine.encode([window])[0] for window in WINDOWS]


def test_the_encoder_hears_each_window_by_itself(engine: WhisperEngine, encoded: list[EncodedWindow]) -> None:
    for alone, together in zip(encoded, engine.encode(WINDOWS), strict=True):
        assert np.array_equal(alone.states, together.states)
        assert alone.num_samples == together.num_samples


def test_a_result_does_not_depend_on_batch_mates_nor_on_their_language(
    engine: WhisperEngine, encoded: list[EncodedWindow]
) -> None:
    english = DecodeOptions("en", logprobs=True)
    options = [english, replace(english, language="de"), english]
    together = engine.decode(encoded, options, words=True, temperature=0.0)
    for window, own, text in zip(encoded, options, together, strict=True):
        assert engine.decode([window], [own], words=True, temperature=0.0) == [text]
    assert all(text.words and text.logprobs for text in together)
