"""Windows in several languages, with a recogniser that takes each tone for a language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models import SAMPLE_RATE, Audio, AudioClip, Chunk, ChunkPart, Span, seconds
from options import DecodeOptions, Task
from seams import DetectorState, EncodedWindow, Recogniser, WindowFeatures
from services.whisper.work_queues import BatchSizes
from services.whisper_service import WhisperService
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import silence, tone
from utils.audio_utils import read_samples
from utils.model_manager import ModelSlot, ModelSource
from utils.speech.speech_map import SpeechMap
from utils.waiting.progress import Progress

TONES = {"de": 300.0, "en": 900.0, "fr": 2500.0}
BANDS = [(3, 14), (15, 30), (40, 70)]  # mel bins of the tones
POSITION = 320  # samples
DETECTED = DecodeOptions()


class Polyglot(ScriptedRecogniser):
    """Hears a language in every tone: the loudest mel bin of each position tells which."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += len(windows)
        loudest = [np.argmax(window.mel[:, ::2], axis=0).astype(np.float32) for window in windows]
        return [EncodedWindow(bins[:, None], w.num_samples) for bins, w in zip(loudest, windows, strict=True)]

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        return self.languages_of_parts(window, [Span(0, window.num_samples)])[0]

    def languages_of_parts(self, window: EncodedWindow, parts: Sequence[Span]) -> list[dict[str, float]]:
        loudest = window.states[:, 0].astype(int)
        bins = [loudest[part.start // POSITION : part.stop // POSITION] for part in parts]
        heard = [[np.count_nonzero((low <= b) & (b < high)) for low, high in BANDS] for b in bins]
        return [
            dict(zip(TONES, (np.array(counts) + 0.01) / (sum(counts) + 0.03), strict=True))
            for counts in heard
        ]


async def hear(
    folder: Path,
    audio: Audio,
    windows: Sequence[Span],
    spoken: tuple[str, ...] = (),
    options: DecodeOptions = DETECTED,
) -> tuple[list[ChunkPart], Polyglot]:
    model = Polyglot()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("polyglot", lambda: model))
    whisper = WhisperService(slot, BatchSizes())
    clip = AudioClip(folder / "audio.s16", len(audio))
    (audio * 32767).astype("<i2").tofile(clip.path)
    frames, _ = LoudnessDetector().detect(audio, DetectorState())
    chunk = Chunk(0, 0, len(audio), Span(0, len(audio)))
    progress = Progress("r")
    if not (spoken or options.language):
        spoken = (
            await whisper.detect_language(progress, partial(read_samples, clip), windows, options, {}) or "",
        )
        model.encoded = 0
    parts = [
        part
        async for part in whisper.transcribe(
            progress,
            partial(read_samples, clip),
            chunk,
            SpeechMap(0, len(audio), frames),
            windows,
            options,
            {},
            spoken,
        )
    ]
    slot.close()
    return parts, model


def talk(*turns: tuple[str, float]) -> Audio:
    """Tones with pauses of 0.6 s between them."""
    return np.concatenate([part for code, long in turns for part in (tone(long, TONES[code]), silence(0.6))])


def languages(parts: Sequence[ChunkPart]) -> list[tuple[str | None, float]]:
    """Of each text, and where it begins, in seconds."""
    return [(s.language, round(s.start / SAMPLE_RATE, 1)) for part in parts for s in part.segments]


async def test_a_window_is_cut_where_its_language_changes(tmp_path: Path) -> None:
    audio = talk(("de", 6.0), ("fr", 5.0), ("fr", 4.0), ("en", 6.0))
    parts, model = await hear(tmp_path, audio, [Span(0, len(audio))])
    heard = languages(parts)
    assert list(dict.fromkeys(code for code, _ in heard)) == ["de", "fr", "en"]
    starts = [next(start for code, start in heard if code == language) for language in ("de", "fr", "en")]
    assert np.allclose(starts, [0.0, 6.6, 16.8], atol=0.5)
    assert parts[0].until == len(audio)
    assert {each.language for each in model.options} == {"de", "en", "fr"}


@pytest.mark.parametrize("options", [DETECTED, DecodeOptions("fr")])
async def test_where_one_language_is_spoken_every_window_is_encoded_once(
    tmp_path: Path, options: DecodeOptions
) -> None:
    audio = talk(*[("de", 5.0)] * 8)
    windows = [Span(0, len(audio) // 2), Span(len(audio) // 2, len(audio))]
    parts, model = await hear(tmp_path, audio, windows, options=options)
    assert {code for code, _ in languages(parts)} == {options.language or "de"}
    assert model.encoded == len(windows)


async def test_each_window_begins_in_the_language_of_the_one_before(tmp_path: Path) -> None:
    turns: list[tuple[str, float]] = [("de", 8.0), ("fr", 8.0), ("fr", 0.8), ("en", 8.0)]
    audio = talk(*turns)
    ends = np.cumsum([0, *(seconds(length + 0.6) for _, length in turns)]).tolist()
    windows = [Span(*pair) for pair in pairwise(ends)]
    parts, _ = await hear(tmp_path, audio, windows, ("en", "de"))
    assert [next(s.language for s in part.segments) for part in parts] == ["de", "fr", "fr", "en"]


async def test_only_the_candidates_are_heard(tmp_path: Path) -> None:
    audio = talk(("de", 6.0), ("fr", 6.0), ("en", 6.0))
    parts, _ = await hear(
        tmp_path, audio, [Span(0, len(audio))], options=DecodeOptions(languages=("de", "en"))
    )
    assert {code for code, _ in languages(parts)} == {"de", "en"}


async def test_what_is_translated_is_still_spoken_in_its_languages(tmp_path: Path) -> None:
    audio = talk(("de", 6.0), ("fr", 6.0))
    options = DecodeOptions(task=Task.TRANSLATE)
    parts, model = await hear(tmp_path, audio, [Span(0, len(audio))], options=options)
    assert {code for code, _ in languages(parts)} == {"de", "fr"}
    assert {(each.language, each.text_language) for each in model.options} == {("de", "en"), ("fr", "en")}
