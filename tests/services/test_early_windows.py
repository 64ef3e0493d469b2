"""Windows that are encoded before their chunk is planned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models import SAMPLE_RATE, AudioClip, seconds
from options import TranscriptionOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.early_windows import EarlyWindows
from services.whisper.work_queues import BatchSizes
from services.whisper_service import WhisperService
from tests.fakes import ScriptedRecogniser
from utils.model_manager import ModelSlot, ModelSource
from utils.speech.speech_map import FRAME, SpeechMap
from utils.speech.speech_windows import speech_windows
from utils.waiting.progress import Progress

OPTIONS = TranscriptionOptions()
TALK, PAUSE = round(10 * SAMPLE_RATE / FRAME), round(4 * SAMPLE_RATE / FRAME)  # frames


class CountingRecogniser(ScriptedRecogniser):
    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self.encoded += [window.num_samples for window in windows]
        return super().encode(windows)


@pytest.fixture
def clip(tmp_path: Path) -> AudioClip:
    """Longer than all speech in these tests."""
    clip = AudioClip(tmp_path / "audio.s16", seconds(200))
    clip.path.write_bytes(bytes(2 * clip.num_samples))
    return clip


def talks(number: int) -> SpeechMap:
    """So many windows: the pauses are too long for one."""
    turn = np.repeat(np.array([0.9, 0.0], np.float32), [TALK, PAUSE])
    return SpeechMap(0, number * len(turn) * FRAME, np.tile(turn, number))


async def test_complete_windows_are_encoded_once_and_as_many_as_may_wait(clip: AudioClip) -> None:
    model = CountingRecogniser()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("fake", lambda: model))
    whisper = WhisperService(slot, BatchSizes(encode=1, decode=2))
    early = EarlyWindows(whisper, OPTIONS, Progress("r"))
    for number in (1, 2, 2, 10, 12):
        early.add(clip, talks(number))
    windows = speech_windows(talks(10), OPTIONS.voice_activity, whisper.longest_window)[: whisper.in_flight]
    assert list(early.encoded) == windows
    for window, encoding in early.encoded.items():
        assert (await encoding).num_samples == window.num_samples
    assert model.encoded == [window.num_samples for window in windows]
    slot.close()


async def test_what_is_not_used_is_stopped(clip: AudioClip) -> None:
    model = CountingRecogniser()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("fake", lambda: model))
    early = EarlyWindows(WhisperService(slot, BatchSizes()), OPTIONS, Progress("r"))
    early.add(clip, talks(3))
    unused = list(early.encoded.values())
    await early.aclose()
    assert all(encoding.cancelled() for encoding in unused)
    assert (early.encoded, model.encoded) == ({}, [])
    slot.close()
