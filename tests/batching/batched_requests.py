"""Requests for windows of one recogniser, which remembers how they were batched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from models import WindowText
from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.batcher import WhisperBatcher
from services.whisper.work_queues import BatchSizes
from tests.fakes import ScriptedRecogniser
from utils.model_manager import ModelSlot, ModelSource
from utils.speech.contexts import FULL
from utils.waiting.progress import Progress

ENGLISH = DecodeOptions("en")
SECOND = 16_000
SIZES = BatchSizes(encode=1, decode=4)


class RecordingRecogniser(ScriptedRecogniser):
    """Remembers which windows it decoded together, by their seconds; subclasses fail at some."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        super().__init__(gate=gate)
        self.encoded: list[int] = []
        self.steps: list[tuple[float, list[int]]] = []
        self.has_begun = threading.Event()  # to decode

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += [window.num_samples // SECOND for window in windows]
        return super().encode(windows)

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        lengths = [window.num_samples // SECOND for window in windows]
        self.steps.append((temperature, lengths))
        self.has_begun.set()
        self.check(lengths, options)
        return super().decode(windows, options, words, temperature)

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None: ...


def window_of(seconds: int) -> WindowFeatures:
    return WindowFeatures(np.zeros((1, 1), np.float32), seconds * SECOND, FULL)


class Requests:
    """A batcher, asked for windows of so many seconds by several owners."""

    def __init__(
        self,
        model: Recogniser,
        sizes: BatchSizes = SIZES,
        lanes: int = 1,
        load: Callable[[], Recogniser] | None = None,
    ) -> None:
        source = ModelSource("recording", load or (lambda: model), lanes=lanes)
        self.slot: ModelSlot[Recogniser] = ModelSlot("whisper", source)
        self.batcher = WhisperBatcher(self.slot, sizes)
        self._flows: dict[str, Progress] = {}

    def flow(self, owner: str) -> Progress:
        return self._flows.setdefault(owner, Progress(owner, owner))

    async def ask(self, owner: str, seconds: int, options: DecodeOptions = ENGLISH) -> str:
        flow = self.flow(owner)
        encoded = await self.batcher.encode(flow, lambda: window_of(seconds), options)
        return (await self.batcher.decode(flow, encoded, options, words=False)).text
