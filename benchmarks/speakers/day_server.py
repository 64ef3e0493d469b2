# ruff: noqa: ARG002 (stubs ignore their arguments)
"""The server with stubs for the models that would need hours for a day of audio.

The recogniser emits random words of the evaluation texts. The diarizer returns the turns in DAY_TURNS, a JSON
file of reference turns; without it the real diarizer runs. Everything else is real.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.eval_set import read_utterances
from benchmarks.speakers.day_voices import chunk_speakers
from benchmarks.values import Turn
from config import Settings
from loaders import default_loaders
from models import (
    SAMPLE_RATE,
    ChunkSpeakers,
    Embedding,
    Span,
    WindowText,
    Word,
)
from options import DecodeOptions, SpeakerCount
from seams import EncodedWindow, Recogniser, WindowFeatures
from server import create_app, serve
from services.diarization_service import VoiceNetwork
from utils.audio_utils import ReadSamples
from utils.model_manager import ModelSource
from utils.speech.speech_map import SpeechMap

WORDS_PER_SECOND = 2.5
WORDS_PER_SENTENCE = 12
NETWORK = VoiceNetwork("stub", 0.5)


class StubRecogniser:
    """Emits random words at a constant rate, whatever the audio, with word times where requested."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._vocabulary = vocabulary
        self._rng = Random(1)

    def num_mels(self) -> int:
        return 80

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        return [EncodedWindow(np.zeros((1, 1), np.float32), window.num_samples) for window in windows]

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        return {"en": 0.9, "de": 0.1}

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        return [self.language_probabilities(window) for _ in parts]

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        return [self._window_text(window.num_samples, words, temperature) for window in windows]

    def _window_text(self, num_samples: int, with_words: bool, temperature: float) -> WindowText:
        step = round(SAMPLE_RATE / WORDS_PER_SECOND)
        starts = range(0, max(1, num_samples - step), step)
        spoken = [
            Word(start, start + step * 3 // 4, self._word(number), self._rng.random(), self._tokens())
            for number, start in enumerate(starts, start=1)
        ]
        return WindowText(
            text="".join(word.text for word in spoken),
            tokens=tuple(token for word in spoken for token in word.tokens),
            words=tuple(spoken) if with_words else (),
            temperature=temperature,
            avg_logprob=-0.25,
            compression_ratio=1.5,
            no_speech_prob=0.01,
        )

    def _word(self, number: int) -> str:
        return f" {self._rng.choice(self._vocabulary)}{'' if number % WORDS_PER_SENTENCE else '.'}"

    def _tokens(self) -> tuple[int, ...]:
        return tuple(self._rng.randrange(50_000) for _ in range(self._rng.choice((1, 1, 1, 2))))


class StubDiarizer:
    """Returns reference turns, with a slightly different embedding of each speaker in each chunk."""

    network = NETWORK
    hearing = None

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._starts = [turn.start for turn in turns]

    async def diarize(
        self, samples: ReadSamples, heard: Span, speech: SpeechMap, count: SpeakerCount
    ) -> ChunkSpeakers:
        begin, end = heard.start / SAMPLE_RATE, heard.stop / SAMPLE_RATE
        near = islice(self._turns, bisect_left(self._starts, begin - 60), bisect_left(self._starts, end))
        return chunk_speakers([turn for turn in near if turn.end > begin], heard)

    async def voice_of(self, samples: ReadSamples, speech: Sequence[Span]) -> Embedding | None:
        return None


def main() -> None:
    settings = Settings()
    texts = [item.text for item in read_utterances(Path(os.environ["EVAL_DIR"])) if item.language == "en"]
    recogniser: ModelSource[Recogniser] = ModelSource("stub", lambda: StubRecogniser(" ".join(texts).split()))
    loaders = replace(default_loaders(settings), recogniser=recogniser)
    if path := os.environ.get("DAY_TURNS"):
        turns = [Turn(*turn) for turn in json.loads(Path(path).read_text())]
        loaders = replace(loaders, diarizer=lambda _: StubDiarizer(turns))
    serve(create_app(settings, loaders), settings)


if __name__ == "__main__":
    main()
