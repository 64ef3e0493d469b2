from __future__ import annotations

import numpy as np
import pytest

from models import SAMPLE_RATE, Audio, ChunkSpeakers, Span
from options import SpeakerCount
from tests.fakes import fake_diarizer
from tests.recordings import speech_map
from utils.model_manager import ModelManager
from utils.speakers.embedding import unpack

ANY = SpeakerCount()
START = 7 * SAMPLE_RATE  # of the chunk, in the recording
LOW, HIGH, SILENCE = 300, 700, 0


def tones(*plan: tuple[int, float]) -> Audio:
    """One after the other, each of so many hertz for so many seconds."""
    parts = [
        np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
        for hertz, seconds in plan
    ]
    return np.asarray(0.3 * np.concatenate(parts), np.float32)


async def diarize(audio: Audio, count: SpeakerCount = ANY, speech: list[Span] | None = None) -> ChunkSpeakers:
    heard = Span(START, START + len(audio))
    models = ModelManager()
    try:
        return await fake_diarizer(models).diarize(
            lambda span: audio[span.start - START : span.stop - START],
            heard,
            speech_map(heard, [heard] if speech is None else speech),
            count,
        )
    finally:
        models.close()


async def test_turns_begin_and_end_where_the_voices_do() -> None:
    plan = [(SILENCE, 3.0), (LOW, 8.0), (HIGH, 6.0), (SILENCE, 5.0), (LOW, 9.0), (HIGH, 2.5), (LOW, 4.0)]
    found = await diarize(tones(*plan))
    times = np.cumsum([seconds for _, seconds in plan])
    spoken = [(end - seconds, end) for (hertz, seconds), end in zip(plan, times, strict=True) if hertz]
    heard = [((t.start - START) / SAMPLE_RATE, (t.stop - START) / SAMPLE_RATE) for t in found.turns]
    assert np.allclose(heard, spoken, atol=0.1)
    first, second = found.turns[0].speaker, found.turns[1].speaker
    assert [turn.speaker for turn in found.turns] == [first, second, first, second, first]
    assert {voice.speaker for voice in found.voices} == {first, second}
    assert all(np.isclose(np.linalg.norm(unpack([voice.embedding])), 1) for voice in found.voices)


@pytest.mark.parametrize("seconds", [0.7, 3.0, 9.9, 10.0, 10.1])
async def test_a_recording_of_any_length_has_its_speaker(seconds: float) -> None:
    found = await diarize(tones((LOW, seconds)))
    assert len(found.voices) == 1
    assert abs(sum(turn.stop - turn.start for turn in found.turns) / SAMPLE_RATE - seconds) < 0.1


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_the_count_is_obeyed(number: int) -> None:
    """As far as may be without splitting a voice; and `finer` where the recording has more speakers."""
    heard = await diarize(tones((LOW, 8), (HIGH, 8), (LOW, 4)), SpeakerCount(number, number))
    assert len({turn.speaker for turn in heard.turns}) == len(heard.voices) == min(number, 2)
    found = heard.finer or heard
    assert len({turn.speaker for turn in found.turns}) == len(found.voices) == number


async def test_where_there_is_no_speech_nobody_speaks() -> None:
    assert await diarize(tones((SILENCE, 30))) == ChunkSpeakers()
    assert await diarize(tones((LOW, 30)), speech=[]) == ChunkSpeakers()
