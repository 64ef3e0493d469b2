"""A recording goes through the separation segment by segment; the model is a fake."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from exceptions import InsufficientStorageError
from models import SAMPLE_RATE, Audio, AudioClip, Span
from options import Choice, TranscriptionOptions
from seams import Detector, Recogniser, SeparationModel
from services.audio_service import AudioService
from services.chunk_processor import Stages
from services.chunk_runner import LocalChunkRunner
from services.separation_service import VocalSeparationService
from services.transcription import TranscriptionService
from services.whisper.work_queues import BatchSizes
from services.whisper_service import WhisperService
from tests.decoding.encoded_audio import decoded
from tests.fakes import DirectDecoder, LeftChannelSeparator, LoudnessDetector, ScriptedRecogniser
from tests.recordings import chords, tone
from utils.audio_utils import read_samples
from utils.decoding.tracks import ANY_TRACK
from utils.model_manager import ModelSlot, ModelSource
from utils.slot_report import SlotState
from utils.speech.chunk_planner import ChunkLimits
from utils.waiting.progress import Progress
from utils.workspace_room import WorkspaceRoom


@pytest.fixture
def model() -> LeftChannelSeparator:
    return LeftChannelSeparator(seconds_per_segment=0.01)


@pytest.fixture
async def slot(model: LeftChannelSeparator) -> AsyncIterator[ModelSlot[SeparationModel]]:
    slot: ModelSlot[SeparationModel] = ModelSlot("separation", ModelSource("left", lambda: model))
    yield slot
    slot.close()


def recording(path: Path, left: Audio, right: Audio) -> tuple[Path, AudioClip]:
    """A file in stereo, and the clip that it was decoded to."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((np.stack([left, right], axis=1) * 32767).astype("<i2").tobytes())
    return path, decoded(path)


@pytest.mark.parametrize("seconds", [0.1, 2.0, 23.7])
async def test_the_voices_take_the_place_of_the_mix(
    tmp_path: Path, slot: ModelSlot[SeparationModel], model: LeftChannelSeparator, seconds: float
) -> None:
    voice = tone(seconds, 300)
    upload, clip = recording(tmp_path / "upload", voice, tone(seconds, 1000))
    vocals = await VocalSeparationService(slot, DirectDecoder()).separate(upload, ANY_TRACK, clip, tmp_path)
    assert vocals.num_samples == clip.num_samples
    assert vocals.path.stat().st_size == 2 * vocals.num_samples
    assert upload.exists()
    assert not clip.path.exists()
    heard = read_samples(vocals, Span(0, vocals.num_samples))
    away_from_the_ends = slice(200, -200)  # where resampling rings
    np.testing.assert_allclose(heard[away_from_the_ends], voice[away_from_the_ends], atol=0.02)
    assert max(model.lengths) <= 30_000


async def test_others_get_their_turn_between_segments(
    tmp_path: Path, slot: ModelSlot[SeparationModel], model: LeftChannelSeparator
) -> None:
    upload, clip = recording(tmp_path / "upload", tone(10), tone(10))
    separation = asyncio.create_task(
        VocalSeparationService(slot, DirectDecoder()).separate(upload, ANY_TRACK, clip, tmp_path)
    )
    assert await asyncio.to_thread(model.has_started.wait, 10)
    done_before_us = await slot.run(lambda _: len(model.lengths))
    await separation
    assert done_before_us < len(model.lengths) / 2


async def test_a_client_who_leaves_stops_it(
    tmp_path: Path, slot: ModelSlot[SeparationModel], model: LeftChannelSeparator
) -> None:
    upload, clip = recording(tmp_path / "upload", tone(20), tone(20))
    separation = asyncio.create_task(
        VocalSeparationService(slot, DirectDecoder()).separate(upload, ANY_TRACK, clip, tmp_path)
    )
    assert await asyncio.to_thread(model.has_started.wait, 10)
    separation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await separation
    done = await slot.run(lambda _: len(model.lengths))
    await asyncio.sleep(0.05)
    assert len(model.lengths) == done < 10
    assert clip.path.exists()


async def test_a_full_disk_is_named(tmp_path: Path, slot: ModelSlot[SeparationModel]) -> None:
    upload, clip = recording(tmp_path / "upload", tone(2), tone(2))
    (tmp_path / "vocals.s16").symlink_to("/dev/full")
    with pytest.raises(InsufficientStorageError):
        await VocalSeparationService(slot, DirectDecoder()).separate(upload, ANY_TRACK, clip, tmp_path)


async def test_to_look_for_music_loads_no_model(tmp_path: Path, slot: ModelSlot[SeparationModel]) -> None:
    service = VocalSeparationService(slot, DirectDecoder())
    for sound, is_music in ((chords(20), True), (tone(20, 440), False)):
        _, clip = recording(tmp_path / "upload", sound, sound)
        assert await service.is_needed(clip) is is_music
    assert slot.state is SlotState.UNLOADED


@pytest.mark.parametrize(
    ("choice", "sound", "separates"),
    [
        (True, tone(11), True),
        (False, chords(11), False),
        ("auto", tone(11), False),
        ("auto", chords(11), True),
    ],
)
@pytest.mark.contract(
    "Transcription fields",
    "`separate_vocals`",
    "ours: voices without the music, where the stage is on; `auto`: where music is heard",
)
async def test_what_is_asked_for_is_done(
    tmp_path: Path,
    slot: ModelSlot[SeparationModel],
    model: LeftChannelSeparator,
    choice: Choice,
    sound: Audio,
    separates: bool,
) -> None:
    upload, _ = recording(tmp_path / "upload", sound, sound)
    detector: ModelSlot[Detector] = ModelSlot("speech", ModelSource("loudness", LoudnessDetector))
    recogniser: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("scripted", ScriptedRecogniser))
    transcription = TranscriptionService(
        AudioService(
            DirectDecoder(),
            WorkspaceRoom(),
            detector,
            ChunkLimits(600 * SAMPLE_RATE, 10 * SAMPLE_RATE),
            100 * SAMPLE_RATE,
            VocalSeparationService(slot, DirectDecoder()),
        ),
        LocalChunkRunner(Stages(WhisperService(recogniser, BatchSizes()))),
    )
    options = TranscriptionOptions(separate_vocals=choice)
    transcript = await transcription.transcribe(upload, tmp_path, options, Progress("a"))
    assert transcript.num_samples == len(sound)
    assert transcript.text.startswith("w w")
    assert bool(model.lengths) is separates
    assert not upload.exists()
    detector.close()
    recogniser.close()
