"""A chunk's windows on the recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import SAMPLE_RATE, Audio, AudioClip, Chunk, Span
from options import DecodeOptions
from services.whisper_batcher import BatchSizes, EncodedWindow, Recogniser
from services.whisper_service import WhisperService
from tests.fakes import ScriptedRecogniser
from utils.model_manager import ModelSlot, ModelSource
from utils.speech_map import SpeechMap

WINDOWS = [Span(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE) for n in range(6)]


class Counting(ScriptedRecogniser):
    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, windows: Sequence[Audio]) -> list[EncodedWindow]:
        self.encoded += len(windows)
        return super().encode(windows)


async def test_what_was_encoded_for_its_language_is_not_encoded_again(tmp_path: Path) -> None:
    model = Counting()
    slot: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("counting", lambda: model))
    whisper = WhisperService(slot, BatchSizes())
    clip = AudioClip(tmp_path / "audio.s16", 6 * SAMPLE_RATE)
    clip.path.write_bytes(bytes(2 * clip.num_samples))
    language, encoded = await whisper.detect_language(clip, WINDOWS, DecodeOptions())
    assert (language, model.encoded) == ("en", 1)
    chunk = Chunk(0, 0, clip.num_samples, Span(0, clip.num_samples))
    speech = SpeechMap(0, clip.num_samples, np.ones(6 * SAMPLE_RATE // 512, np.float32))
    options = DecodeOptions(language)
    heard = [h async for h in whisper.transcribe(clip, chunk, speech, WINDOWS, options, True, encoded)]
    assert [part.until for part in heard] == [window.stop for window in WINDOWS]
    assert model.encoded == len(WINDOWS)
    slot.close()
