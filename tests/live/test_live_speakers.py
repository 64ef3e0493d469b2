from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from exceptions import ModelFailedError
from models import NO_KNOWN_VOICES, SAMPLE_RATE, Audio, ChunkSpeakers, KnownVoice, KnownVoices, Span
from options import SpeakerCount
from seams import PartsEmbedder, Segmenter
from services.diarization_service import ClusteringDiarizer, Diarizer
from services.live.speakers import LiveSpeakers
from tests.fakes import PITCHES, PitchEmbedder, PitchSegmenter
from tests.recordings import silence, speech_map, tone
from utils.model_manager import ModelManager, ModelSource
from utils.speakers.embedding import pack
from utils.speech.speech_map import FRAME

TICK = 8 * FRAME
Plan = Sequence[tuple[int | None, float]]
"""Voices, or None for silence, and seconds."""


@dataclass
class Session:
    """A session in fake time: what is not needed any more can no longer be read."""

    diarizer: Diarizer
    known: KnownVoices = NO_KNOWN_VOICES
    maximum: int | None = None
    audio: Audio = field(default_factory=lambda: np.zeros(0, np.float32))
    speech: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin = self.longest_kept = self.longest_turns = 0  # samples, samples and number
        self.reads = 0
        self.labelled: dict[tuple[int, int], str] = {}  # start of a turn, speaker: label when first told
        self.speakers = LiveSpeakers(self.diarizer, self.read, SpeakerCount(1, self.maximum), self.known)

    def read(self, span: Span) -> Audio:
        self.reads += 1
        assert self.begin <= span.start < span.stop <= self.begin + len(self.audio)
        return self.audio[span.start - self.begin : span.stop - self.begin]

    async def play(self, plan: Plan) -> None:
        for voice, seconds in plan:
            now = self.begin + len(self.audio)
            sound = silence(seconds) if voice is None else tone(seconds, 100 + 200 * voice)
            if voice is not None:
                self.speech.append(Span(now, now + len(sound)))
            for first in range(0, len(sound), TICK):
                self.audio = np.concatenate([self.audio, sound[first : first + TICK]])
                await self.advance(voice is None and first < SAMPLE_RATE <= first + 2 * TICK)
        await self.advance(True)

    async def advance(self, is_end_of_turn: bool) -> None:
        until = self.begin + len(self.audio)
        heard = Span(self.begin, until)
        await self.speakers.advance(speech_map(heard, self.speech), until, is_end_of_turn)
        for turn in self.speakers.turns:
            self.labelled.setdefault((turn.start, turn.speaker), self.speakers.label(turn.speaker))
        self.longest_kept = max(self.longest_kept, len(self.audio))
        self.longest_turns = max(self.longest_turns, len(self.speakers.turns))
        needed = self.speakers.needs_from // FRAME * FRAME
        self.audio, self.begin = self.audio[max(needed - self.begin, 0) :], max(needed, self.begin)
        self.speech = [span for span in self.speech if span.stop > self.begin]

    @property
    def labels(self) -> list[str]:
        """Of the turns in order of time, repetitions dropped."""
        told = [label for _, label in sorted(self.labelled.items())]
        return [label for label, before in zip(told, [None, *told], strict=False) if label != before]


class CountingSegmenter(PitchSegmenter):
    def __init__(self) -> None:
        self.windows, self.fails = 0, False

    def segment(self, windows: np.ndarray) -> np.ndarray:
        self.windows += len(windows)
        if self.fails:
            raise ModelFailedError("out of memory")
        return super().segment(windows)


class WholeChunks:
    """A diarizer that hears whole chunks only."""

    hearing = None

    def __init__(self, diarizer: ClusteringDiarizer) -> None:
        self.network, self.voice_of = diarizer.network, diarizer.voice_of
        self._diarize = diarizer.diarize

    async def diarize(self, *chunk: object) -> ChunkSpeakers:
        return await self._diarize(*chunk)  # type: ignore[arg-type]


@asynccontextmanager
async def diarizer(segmenter: PitchSegmenter | None = None) -> AsyncIterator[ClusteringDiarizer]:
    models = ModelManager()
    networks: ModelSource[Segmenter] = ModelSource("pitch", lambda: segmenter or PitchSegmenter())
    voices: ModelSource[PartsEmbedder] = ModelSource("pitch", PitchEmbedder)
    try:
        yield ClusteringDiarizer(models.add("segmentation", networks), models.add("voices", voices))
    finally:
        models.close()


@pytest.mark.parametrize("wrapped", [lambda made: made, WholeChunks])
async def test_turns_are_told_while_people_speak_and_end_where_the_voices_do(
    wrapped: Callable[[ClusteringDiarizer], Diarizer],
) -> None:
    plan: Plan = [(None, 3), (1, 8), (3, 6), (None, 4), (1, 5), (6, 4)]
    async with diarizer() as made:
        session = Session(wrapped(made))
        await session.play(plan)
    stops = np.cumsum([seconds for _, seconds in plan])
    spoken = [(stop - length, stop) for (voice, length), stop in zip(plan, stops, strict=True) if voice]
    turns = sorted(session.speakers.turns, key=lambda turn: turn.start)
    heard = [(turn.start / SAMPLE_RATE, turn.stop / SAMPLE_RATE) for turn in turns]
    assert np.allclose(heard, spoken, atol=0.4)
    assert session.labels == ["A", "B", "A", "C"]


async def test_labels_follow_a_second_behind_what_is_heard_and_at_once_at_the_end_of_a_turn() -> None:
    async with diarizer() as made:
        session = Session(made)
        await session.play([(1, 3)])
        assert session.speakers.told_until == 3 * SAMPLE_RATE // FRAME * FRAME
        lags = []
        for _ in range(40):
            await session.play([])
            session.speech.append(Span(session.begin, session.begin + len(session.audio) + TICK))
            session.audio = np.concatenate([session.audio, tone(TICK / SAMPLE_RATE)])
            await session.advance(False)
            lags.append(session.begin + len(session.audio) - session.speakers.told_until)
        assert max(lags) <= 3.5 * SAMPLE_RATE


async def test_a_session_of_ten_minutes_keeps_no_more_than_one_of_two() -> None:
    async with diarizer() as made:
        session = Session(made)
        kept = []
        for _ in range(5):
            session.longest_kept = session.longest_turns = 0
            await session.play([(1, 3), (None, 27), (2, 3), (None, 27), (3, 3), (None, 57)])
            kept.append((session.longest_kept, session.longest_turns))
        assert max(kept) == kept[0]
        assert kept[0][0] <= 20 * SAMPLE_RATE
        assert session.labels == ["A", "B", "C"] * 5
        assert [voice.name for voice in session.speakers.voices] == ["A", "B", "C"]


async def test_there_is_no_cap() -> None:
    voices = range(1, 13)
    async with diarizer() as made:
        session = Session(made)
        for voice in (*voices, *voices):
            await session.play([(voice, 4), (None, 1)])
    assert session.labels == list("ABCDEFGHIJKL") * 2


async def test_the_most_speakers_that_the_caller_expects_is_obeyed() -> None:
    async with diarizer() as made:
        session = Session(made, maximum=2)
        await session.play([(voice, 5) for voice in (1, 5, 9, 13, 1)])
    assert set(session.labels) == {"A", "B"}


async def test_silence_costs_no_call_of_a_network() -> None:
    segmenter = CountingSegmenter()
    async with diarizer(segmenter) as made:
        session = Session(made)
        await session.play([(1, 4), (None, 2)])
        heard = segmenter.windows
        await session.play([(None, 120)])
    assert segmenter.windows == heard
    assert session.speakers.told_until == (session.begin + len(session.audio)) // FRAME * FRAME


async def test_a_call_that_fails_loses_nothing() -> None:
    segmenter = CountingSegmenter()
    async with diarizer(segmenter) as made:
        session = Session(made)
        await session.play([(1, 6), (None, 1)])
        segmenter.fails = True
        with pytest.raises(ModelFailedError):
            await session.play([(4, 5)])
        segmenter.fails = False
        await session.play([(4, 2)])
    assert session.labels == ["A", "B"]
    spoken = session.begin / SAMPLE_RATE + len(session.audio) / SAMPLE_RATE - 7
    second = [turn for turn in session.speakers.turns if turn.speaker == 1]
    assert abs(sum(turn.stop - turn.start for turn in second) / SAMPLE_RATE - spoken) < 0.4


async def test_a_turn_may_end_before_what_was_heard() -> None:
    async with diarizer() as made:
        session = Session(made)
        session.audio, session.speech = tone(8), [Span(0, 8 * SAMPLE_RATE)]
        await session.advance(False)
        told, reads = session.speakers.told_until, session.reads
        speech = speech_map(session.speech[0], session.speech)
        await session.speakers.advance(speech, 7 * SAMPLE_RATE + SAMPLE_RATE // 2, True)
    assert told < session.speakers.told_until == 8 * SAMPLE_RATE // FRAME * FRAME
    assert session.reads == reads


async def test_sound_that_comes_all_at_once_is_told_like_any_other() -> None:
    async with diarizer() as made:
        session = Session(made)
        session.audio = np.concatenate([tone(50, 300), silence(1), tone(40, 900), silence(1), tone(9, 300)])
        seconds = [(0, 50), (51, 91), (92, 101)]
        session.speech = [Span(start * SAMPLE_RATE, stop * SAMPLE_RATE) for start, stop in seconds]
        await session.advance(True)
    assert session.labels == ["A", "B", "A"]


async def test_a_known_voice_is_told_by_name_from_three_seconds_on() -> None:
    known = KnownVoices((KnownVoice("Ann", pack(np.eye(PITCHES)[3])),), 0.5)
    async with diarizer() as made:
        session = Session(made, known)
        await session.play([(1, 5), (3, 2)])
        assert [session.speakers.label(number) for number in (0, 1)] == ["A", "B"]
        await session.play([(3, 4), (5, 4)])
        assert [session.speakers.label(number) for number in (0, 1, 2)] == ["A", "Ann", "C"]
        assert [voice.name for voice in session.speakers.voices] == ["A", "Ann", "C"]


async def test_what_later_evidence_contradicts_can_be_seen() -> None:
    """A word of somebody's voice counts as the last speaker's until more of it is heard."""
    async with diarizer() as made:
        session = Session(made)
        await session.play([(1, 6), (None, 1), (4, 0.8), (None, 2), (4, 4)])
    moment = round(7.4 * SAMPLE_RATE)
    told = next(turn.speaker for turn in session.speakers.turns if turn.start <= moment < turn.stop)
    now = next(turn.speaker for turn in session.speakers.latest_turns if turn.start <= moment < turn.stop)
    assert (session.speakers.label(told), session.speakers.label(now)) == ("A", "B")
