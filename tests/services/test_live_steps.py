"""Steps of live turns: read late, decoded once, tried again after a crash."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from exceptions import ModelCrashedError
from models import SAMPLE_RATE, Audio, Chunk, ChunkPart, Span, WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.work_queues import BatchSizes
from services.whisper_service import NO_TEXT, Step, WhisperService
from tests.fakes import ScriptedRecogniser
from utils.audio.log_mel import HOP
from utils.model_manager import ModelSlot, ModelSource
from utils.speech.contexts import short_contexts
from utils.speech.speech_map import SpeechMap
from utils.waiting.fair_queue import Rank

ENGLISH = DecodeOptions("en")


@dataclass(eq=False)
class Turn:
    """A flow, and the audio of a live turn so far."""

    owner: str = "a"
    rank: Rank = Rank.STEP
    heard: list[Audio] = field(default_factory=list)
    was_read: threading.Event = field(default_factory=threading.Event)

    def say(self, seconds: float) -> None:
        self.heard.append(np.zeros(round(seconds * SAMPLE_RATE), np.float32))

    def read(self) -> Audio:
        self.was_read.set()
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.float32)


class Listening(ScriptedRecogniser):
    """Remembers what it encoded, as seconds with and without the silence after it, and may crash."""

    def __init__(self, crashes: int = 0, gate: threading.Event | None = None) -> None:
        super().__init__(gate=gate)
        self.encoded: list[tuple[int, int]] = []
        self.has_begun = threading.Event()
        self._crashes = crashes

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += [(w.num_samples // SAMPLE_RATE, w.context // SAMPLE_RATE) for w in windows]
        return super().encode(windows)

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        self.has_begun.set()
        if self._crashes:
            self._crashes -= 1
            raise ModelCrashedError("The process of the model ended with SIGSEGV.")


class Doubtful(Listening):
    """Repeats itself."""

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [replace(text, compression_ratio=9.0) for text in texts]


def service(model: Recogniser) -> WhisperService:
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("fake", lambda: model))
    return WhisperService(slot, BatchSizes(), short_contexts)


async def test_a_step_is_greedy_tried_once_and_has_timed_words() -> None:
    model, turn = Doubtful(), Turn()
    turn.say(2)
    step = await service(model).step(turn, turn.read, DecodeOptions("en", temperature=0.4))
    assert (step.text.text, len(step.text.words), step.language) == (" w w", 2, "en")
    assert model.options == [DecodeOptions("en", beam_size=1)]
    assert model.encoded == [(2, 6)]


async def test_a_step_that_waited_hears_all_that_came_meanwhile() -> None:
    gate = threading.Event()
    model, first, turn = Listening(gate=gate), Turn(), Turn()
    whisper = service(model)
    first.say(1)
    turn.say(1)
    before = asyncio.create_task(whisper.step(first, first.read, ENGLISH))
    await asyncio.to_thread(model.has_begun.wait)
    step = asyncio.create_task(whisper.step(turn, turn.read, ENGLISH))
    assert not await asyncio.to_thread(turn.was_read.wait, 0.05)
    turn.say(3)
    gate.set()
    assert (await step).text.text == " w" * 4
    await before


@pytest.mark.parametrize("samples", [0, 100])
async def test_nothing_is_heard_where_nothing_is_read(samples: int) -> None:
    model, turn = Listening(), Turn()
    turn.say(samples / SAMPLE_RATE)
    assert await service(model).step(turn, turn.read, DecodeOptions()) == Step(NO_TEXT, None)
    assert (model.encoded, model.batches) == ([], [])


@pytest.mark.parametrize(("candidates", "language"), [((), "en"), (("fr", "de"), "de")])
async def test_the_language_is_detected_among_the_candidates_and_told(
    candidates: tuple[str, ...], language: str
) -> None:
    model, turn = Listening(), Turn()
    turn.say(1)
    step = await service(model).step(turn, turn.read, DecodeOptions(languages=candidates))
    assert step.language == language
    assert [each.language for each in model.options] == [language]


async def test_a_crash_amid_a_step_is_tried_again_once() -> None:
    turn = Turn()
    turn.say(1)
    assert (await service(Listening(crashes=1)).step(turn, turn.read, ENGLISH)).text.text == " w"
    with pytest.raises(ModelCrashedError):
        await service(Listening(crashes=2)).step(turn, turn.read, ENGLISH)


async def test_a_step_that_cannot_read_fails_alone() -> None:
    gate = threading.Event()
    model, first = Listening(gate=gate), Turn()
    whisper = service(model)
    first.say(1)

    def gone() -> Audio:
        raise ValueError("forgotten")

    before = asyncio.create_task(whisper.step(first, first.read, ENGLISH))
    await asyncio.to_thread(model.has_begun.wait)
    steps = [asyncio.create_task(whisper.step(Turn(), read, ENGLISH)) for read in (gone, first.read)]
    await asyncio.sleep(0)
    gate.set()
    failed, fine = await asyncio.gather(*steps, return_exceptions=True)
    assert isinstance(failed, ValueError)
    assert isinstance(fine, Step)
    await before


async def test_a_final_of_less_than_a_frame_has_no_words() -> None:
    model, turn, window = Listening(), Turn(rank=Rank.FINAL), Span(0, HOP - 1)
    chunk, speech = Chunk(0, 0, HOP - 1, window), SpeechMap(0, HOP - 1, np.ones(1, np.float32))

    def read(span: Span) -> Audio:
        return np.zeros(span.num_samples, np.float32)

    parts = service(model).transcribe(turn, read, chunk, speech, [window], ENGLISH, {})
    assert [part async for part in parts] == [ChunkPart((), HOP - 1)]
    assert model.encoded == []
