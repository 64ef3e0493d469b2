"""Child process: the recogniser alone, on the windows cut by the server's pipeline.

The pipeline runs once and its calls to the recogniser are recorded; every request replays them on a
recogniser in this process, with the server's concurrency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from assembly import build_state
from backends.whisper.engine import WhisperEngine, load_whisper_engine
from backends.whisper.weights import find_weights
from benchmarks.report import num_cores
from benchmarks.speed.direct import transcribe
from benchmarks.values import Message
from benchmarks.worker import answer_requests
from config import Settings
from loaders import default_loaders, plan_lanes
from models import Span, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from utils.audio.log_mel import log_mel
from utils.model_manager import ModelSource

Call = Callable[[WhisperEngine], object]


class CallRecorder:
    """Wraps the engine and records the calls made to it."""

    def __init__(self, engine: WhisperEngine, calls: list[Call]) -> None:
        self._engine = engine
        self._calls = calls

    def num_mels(self) -> int:
        return self._engine.num_mels()

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self._calls.append(lambda engine: _with_features(windows, engine))
        return self._engine.encode(windows)

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        return self._engine.language_probabilities(window)

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        self._calls.append(lambda engine: engine.languages_of_parts(window, parts))
        return self._engine.languages_of_parts(window, parts)

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        self._calls.append(lambda engine: engine.decode(windows, options, words, temperature))
        return self._engine.decode(windows, options, words, temperature)


def main() -> None:
    settings = Settings()
    lanes, threads = plan_lanes(num_cores())
    weights = find_weights(settings.whisper_model, "cpu", settings.whisper_compute_type, threads, lanes)
    engine = load_whisper_engine(weights, settings.whisper_beam_size)
    calls: list[Call] = []
    source: ModelSource[Recogniser] = ModelSource(
        weights.name, lambda: CallRecorder(engine, calls), lanes=lanes
    )
    state = build_state(settings, replace(default_loaders(settings), recogniser=source))

    def handle(request: Message) -> Message:
        if not calls:
            asyncio.run(transcribe(state, Path(request["audio"]), request["language"]))
        with ThreadPoolExecutor(lanes) as pool:
            return {"calls": len(list(pool.map(partial(_replay, engine), calls)))}

    answer_requests(handle)
    asyncio.run(state.close())


def _with_features(windows: Sequence[WindowFeatures], engine: WhisperEngine) -> list[EncodedWindow]:
    """Features are computed too, of silence, which takes as long."""
    import numpy as np  # after `assembly`, which limits its threads

    for window in windows:
        log_mel(np.zeros(window.num_samples, np.float32), len(window.mel))
    return engine.encode(windows)


def _replay(engine: WhisperEngine, call: Call) -> object:
    return call(engine)


if __name__ == "__main__":
    main()
