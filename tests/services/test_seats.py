"""Seats, their voices, and the clustering that takes over from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import numpy as np
import pytest

from models import Audio, ChunkSpeakers, Span, SpeakerTurn, seconds
from options import SpeakerCount
from seams import SeatModel, VoiceModel
from services.diarizers.seats import SAME_VOICE, SeatDiarizer
from tests.fakes import SEAT_FRAME, SEAT_HERTZ, PitchVoices, ToneSeats
from tests.recordings import silence, speech_map, tone
from utils.model_manager import ModelSlot, ModelSource
from utils.speakers.embedding import unpack

ANY = SpeakerCount()
START = 12_345  # of the chunk in the recording
PAUSE = seconds(0.5)


class DiarizerUnderTest:
    """A diarizer on fakes, which remember what they were asked."""

    def __init__(self) -> None:
        self.voices = PitchVoices()
        self.seat_slot: ModelSlot[SeatModel] = ModelSlot("seats", ModelSource("tones", ToneSeats))
        self.voice_slot: ModelSlot[VoiceModel] = ModelSlot(
            "voices", ModelSource("pitch", lambda: self.voices)
        )

    async def diarize(
        self, audio: Audio, count: SpeakerCount, speech: Sequence[Span] | None = None
    ) -> ChunkSpeakers:
        def samples(span: Span) -> Audio:
            assert START <= span.start < span.stop <= START + len(audio)
            return audio[span.start - START : span.stop - START]

        heard = Span(START, START + len(audio))
        detected = speech_map(heard, [heard] if speech is None else speech)
        return await SeatDiarizer(self.seat_slot, self.voice_slot).diarize(samples, heard, detected, count)


@pytest.fixture
async def tested() -> AsyncIterator[DiarizerUnderTest]:
    made = DiarizerUnderTest()
    yield made
    made.seat_slot.close()
    made.voice_slot.close()


def people(*tones: tuple[int, float]) -> Audio:
    """Who speaks after whom: (seat, seconds)."""
    return np.concatenate([tone(length, SEAT_HERTZ[seat]) for seat, length in tones])


def regions(*lengths: float) -> list[Span]:
    """Speech as a detector that hears a pause at each change of speaker would cut it."""
    ends = START + np.cumsum([0, *map(seconds, lengths)])
    return [Span(start, stop - PAUSE) for start, stop in pairwise(ends.tolist())]


def near(turn: SpeakerTurn, start: float, stop: float) -> bool:
    return max(abs(turn.start - START - seconds(start)), abs(turn.stop - START - seconds(stop))) <= SEAT_FRAME


async def test_everyone_has_turns_and_a_voice(tested: DiarizerUnderTest) -> None:
    found = await tested.diarize(people((2, 5), (0, 3), (2, 4)), ANY)
    assert [turn.speaker for turn in found.turns] == [0, 1, 0]
    assert all(near(turn, *at) for turn, at in zip(found.turns, [(0, 5), (5, 8), (8, 12)], strict=True))
    first, second = unpack(voice.embedding for voice in found.voices)
    assert [int(voice.argmax()) for voice in (first, second)] == [5, 1]
    assert found.same_voice == SAME_VOICE
    assert not tested.voices.counts


async def test_people_who_talk_over_each_other_keep_clean_voices(tested: DiarizerUnderTest) -> None:
    audio = np.concatenate([tone(4, 300), 0.5 * (tone(4, 300) + tone(4, 1100)), tone(4, 1100)])
    found = await tested.diarize(audio, ANY)
    assert [
        (turn.speaker, near(turn, *at)) for turn, at in zip(found.turns, [(0, 8), (4, 12)], strict=True)
    ] == [
        (0, True),
        (1, True),
    ]
    alone = await tested.diarize(people((0, 4), (2, 4)), ANY)
    assert [voice.embedding for voice in found.voices] == [voice.embedding for voice in alone.voices]


async def test_one_who_is_never_alone_has_a_voice_all_the_same(tested: DiarizerUnderTest) -> None:
    audio = tone(8, 300) + np.concatenate([silence(3), tone(2, 1100), silence(3)])
    found = await tested.diarize(audio.astype(np.float32), ANY)
    assert [voice.speaker for voice in found.voices] == [0, 1]
    assert all(np.isclose(np.linalg.norm(unpack([voice.embedding])), 1) for voice in found.voices)


async def test_a_blip_in_a_seat_is_nobody(tested: DiarizerUnderTest) -> None:
    found = await tested.diarize(people((0, 3), (1, 0.4), (0, 3)), ANY)
    assert {turn.speaker for turn in found.turns} == {0}


@pytest.mark.parametrize("count", [SpeakerCount(1, 1), SpeakerCount(3, 3), SpeakerCount(3, None)])
async def test_clustering_takes_over_where_the_caller_knows_better(
    tested: DiarizerUnderTest, count: SpeakerCount
) -> None:
    found = await tested.diarize(people((0, 4), (1, 4)), count, regions(4, 4))
    assert tested.voices.counts == [count]
    assert len(found.voices) == min(2, count.maximum or 2)
    assert (found.finer is not None) == (count.minimum > 2)
    assert {turn.speaker for turn in found.turns} == {voice.speaker for voice in found.voices}


async def test_when_all_seats_are_taken_voices_are_clustered_but_the_seats_stay_if_they_suffice(
    tested: DiarizerUnderTest,
) -> None:
    full = people((0, 3), (1, 3), (2, 3), (3, 3))
    found = await tested.diarize(full, ANY, regions(3, 3, 3, 3))
    assert tested.voices.counts == [ANY]
    assert [near(turn, 3 * n, 3 * n + 3) for n, turn in enumerate(found.turns)] == [True] * 4
    crowded = await tested.diarize(np.concatenate([full, tone(3, 500)]), ANY, regions(3, 3, 3, 3, 3))
    assert len(crowded.voices) == 5


async def test_all_seats_taken_as_announced_are_not_clustered(tested: DiarizerUnderTest) -> None:
    await tested.diarize(people((0, 3), (1, 3), (2, 3), (3, 3)), SpeakerCount(2, 4))
    assert not tested.voices.counts


async def test_silence_has_no_speakers(tested: DiarizerUnderTest) -> None:
    assert await tested.diarize(silence(3), ANY, speech=[]) == ChunkSpeakers()


async def test_speech_that_no_seat_hears_has_a_speaker(tested: DiarizerUnderTest) -> None:
    found = await tested.diarize(tone(3, 1900), ANY)
    assert {turn.speaker for turn in found.turns} == {voice.speaker for voice in found.voices} == {0}


async def test_a_clip_has_the_voice_of_the_seat_that_speaks_in_it(tested: DiarizerUnderTest) -> None:
    diarizer, clip = SeatDiarizer(tested.seat_slot, tested.voice_slot), people((2, 4))
    found = await tested.diarize(people((2, 5), (0, 3)), ANY)
    voice = await diarizer.voice_of(lambda span: clip[span.start : span.stop], [Span(0, len(clip))])
    assert voice == found.voices[0].embedding
    assert diarizer.network.name == "pitch"
