"""A session from audio to events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import psutil
import pytest

from exceptions import ModelFailedError, OverloadedError
from models import SAMPLE_RATE, WindowText
from options import DecodeOptions, Delay, LiveOptions, SemanticVad, ServerVad
from seams import EncodedWindow
from services.live.live_service import SESSIONS_PER_LANE
from tests.fakes import ScriptedRecogniser
from tests.live.live_sessions import MANUAL, VAD, deltas, live_service, live_session
from utils.live.events import (
    Committed,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
)


async def test_a_turn_is_told_while_it_is_spoken_and_completed_after_it() -> None:
    async with live_session(VAD) as talker:
        await talker.pause(1)
        await talker.talk_until(TextDelta)
        assert not talker.of(SpeechStopped)
        spoken = talker.clock.now - 1
        await talker.pause(0.6)
        await talker.until(TurnCompleted)
        started, stopped = talker.of(SpeechStarted)[0], talker.of(SpeechStopped)[0]
        committed, completed = talker.of(Committed)[0], talker.of(TurnCompleted)[0]
        assert abs(started.start - 0.7 * SAMPLE_RATE) < 0.05 * SAMPLE_RATE, "300 ms before the speech"
        assert abs(stopped.stop - (1.5 + spoken) * SAMPLE_RATE) < 0.05 * SAMPLE_RATE, (
            "with the silence that ended it"
        )
        assert committed.previous_id is None
        assert 1 <= len(completed.text.split()) <= spoken + 1
        assert deltas(talker.events) == completed.text
        assert {started.item_id, stopped.item_id, committed.item_id} == {completed.item_id}


async def test_turns_are_committed_and_completed_in_order() -> None:
    async with live_session(VAD) as talker:
        for _ in range(3):
            await talker.talk(1)
            await talker.pause(0.7)
        completed = [event.item_id for event in await talker.until(TurnCompleted, 3)]
        committed = talker.of(Committed)
        assert [event.previous_id for event in committed] == [None, *(c.item_id for c in committed[:-1])]
        assert completed == [event.item_id for event in committed]


async def test_nothing_is_told_of_silence() -> None:
    async with live_session(VAD) as talker:
        await talker.pause(65)
        await talker.settle()
        assert not talker.events
        assert talker.session._source.audio.stop - talker.session._source.audio.start <= 3 * SAMPLE_RATE


async def test_an_update_amid_speech_holds_from_the_next_turn_on() -> None:
    async with live_session(VAD) as talker:
        await talker.talk(1)
        talker.session.update(MANUAL)
        await talker.pause(1)
        await talker.until(TurnCompleted)
        await talker.talk(1)
        await talker.pause(2)
        await talker.settle()
        assert len(talker.of(Committed)) == 1
        await talker.session.commit()
        await talker.until(TurnCompleted, 2)


async def test_a_long_turn_is_heard_in_windows() -> None:
    lengths: list[int] = []

    class Measuring(ScriptedRecogniser):
        def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
            lengths.extend(window.num_samples for window in windows)

    recogniser = Measuring()
    async with live_session(VAD, recogniser) as talker:
        for _ in range(180):
            await talker.talk(1)
            await asyncio.sleep(0.003)
        kept = talker.session._source.audio
        assert kept.stop - kept.start < 100 * SAMPLE_RATE, "memory is bounded"
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert max(lengths) <= 30 * SAMPLE_RATE
        assert 160 <= len(completed.text.split()) <= 200
        assert abs(completed.num_samples - 180.5 * SAMPLE_RATE) < 0.6 * SAMPLE_RATE


class Wavering(ScriptedRecogniser):
    """Says other words at the end than before: beam and greedy search differ."""

    def __init__(self) -> None:
        super().__init__()
        self._said = "w"

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        self._said = "v" if options[0].beam_size == 1 else "w"

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        return [
            replace(
                text,
                text=text.text.replace("w", self._said),
                words=tuple(replace(word, text=f" {self._said}") for word in text.words),
            )
            for text in texts
        ]


async def test_the_transcript_is_that_of_the_final_pass() -> None:
    async with live_session(VAD, Wavering()) as talker:
        await talker.talk_until(TextDelta)
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert set(completed.text.split()) == {"w"}
        assert set(deltas(talker.events).split()) == {"v"}


@pytest.mark.parametrize("options", [replace(VAD, strict_deltas=True), replace(VAD, delay=Delay.HIGH)])
async def test_deltas_add_up_where_they_must(options: LiveOptions) -> None:
    async with live_session(options, Wavering()) as talker:
        await talker.talk_until(TextDelta)
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert deltas(talker.events) == completed.text
        assert completed.text.startswith("v")


async def test_with_the_longest_delay_there_is_only_the_transcript() -> None:
    async with live_session(replace(VAD, delay=Delay.XHIGH)) as talker:
        await talker.talk(5)
        await talker.settle()
        assert not talker.of(TextDelta)
        await talker.pause(1)
        await talker.until(TurnCompleted)
        assert len(talker.of(TextDelta)) == 1


async def test_unsettled_words_are_shown_only_on_request() -> None:
    async with live_session(replace(VAD, interim=True)) as talker:
        first = (await talker.talk_until(TextDelta))[0]
        assert (first.text, first.interim) == ("", "w")


class Failing(ScriptedRecogniser):
    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if any(window.num_samples < 2 * SAMPLE_RATE for window in windows):
            raise ModelFailedError("out of memory")


async def test_a_turn_that_fails_does_not_end_the_session() -> None:
    async with live_session(VAD, Failing()) as talker:
        await talker.talk(1)
        await talker.pause(0.7)
        (failed,) = await talker.until(TurnFailed)
        assert failed.error.message == "out of memory"
        await talker.talk(3)
        await talker.pause(0.7)
        await talker.until(TurnCompleted)


async def test_a_finished_sentence_ends_a_semantic_turn_early() -> None:
    class Sentence(ScriptedRecogniser):
        def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
            return [
                replace(text, words=(*text.words[:-1], replace(text.words[-1], text=" w.")))
                for text in texts
                if text.words
            ]

    async with live_session(replace(VAD, turns=SemanticVad(4 * SAMPLE_RATE)), Sentence()) as talker:
        await talker.talk(2)
        await talker.pause(0.3)
        await talker.settle()
        await talker.pause(0.2)
        await talker.until(TurnCompleted)
    async with live_session(replace(VAD, turns=SemanticVad(4 * SAMPLE_RATE))) as talker:
        await talker.talk(2)
        await talker.pause(0.3)
        await talker.settle()
        await talker.pause(0.4)
        await talker.settle()
        assert not talker.of(Committed), "a mark is missing"


async def test_a_session_beyond_the_limit_is_refused_until_another_ends() -> None:
    async with live_service() as (service, _):
        sessions = [service.open("", "req", VAD) for _ in range(SESSIONS_PER_LANE)]
        for session in sessions:
            await session.__aenter__()
        with pytest.raises(OverloadedError):
            async with service.open("", "req", VAD):
                pass
        await sessions[0].__aexit__(None, None, None)
        async with service.open("", "req", VAD):
            pass
        for session in sessions[1:]:
            await session.__aexit__(None, None, None)


async def test_a_file_sent_at_once_is_transcribed_without_hypotheses() -> None:
    recogniser = ScriptedRecogniser()
    async with live_session(replace(VAD, turns=ServerVad()), recogniser) as talker:
        audio = (b"\x40\x1f" * SAMPLE_RATE * 2 + bytes(2 * SAMPLE_RATE)) * 20
        await talker.session.append(audio)
        await talker.until(TurnCompleted, 20)
        assert sum(options.beam_size == 1 for options in recogniser.options) <= 8


async def test_a_session_that_has_ended_leaves_no_threads() -> None:
    async with live_service() as (service, _):
        async with service.open("", "req", LiveOptions()) as session:
            await session.append(bytes(48_000))
        before = threads()
        sessions = []
        for _ in range(5):
            async with service.open("", "req", LiveOptions()) as session:
                await session.append(bytes(48_000))
                sessions.append(session)
        assert threads() == before


def threads() -> int:
    return int(psutil.Process().num_threads())
