"""Turns that the client commits or clears."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from exceptions import CommitEmptyError
from models import SAMPLE_RATE
from options import DecodeOptions, Delay
from seams import EncodedWindow, WindowFeatures
from tests.fakes import ScriptedRecogniser
from tests.live.live_sessions import MANUAL, VAD, deltas, live_session, names
from utils.live.events import (
    Cleared,
    Committed,
    SpeechStarted,
    TextDelta,
    TurnCompleted,
)


async def test_a_committed_turn_needs_no_detector() -> None:
    async with live_session(MANUAL) as talker:
        await talker.talk(2)
        await talker.session.commit()
        await talker.until(TurnCompleted)
        assert names(talker.events)[-2:] == ["TextDelta", "TurnCompleted"]
        assert not talker.of(SpeechStarted)
        assert deltas(talker.events) == "w w"


async def test_silence_that_is_committed_is_a_turn_without_words() -> None:
    async with live_session(MANUAL) as talker:
        await talker.pause(0.5)
        await talker.session.commit()
        (completed,) = await talker.until(TurnCompleted)
        assert names(talker.events) == ["Committed", "TurnCompleted"]
        assert (completed.text, completed.num_samples) == ("", SAMPLE_RATE // 2)


async def test_a_commit_takes_a_tenth_of_a_second() -> None:
    async with live_session(MANUAL) as talker:
        with pytest.raises(CommitEmptyError, match="0 ms"):
            await talker.session.commit()
        await talker.pause(0.1)
        await talker.session.commit()
        with pytest.raises(CommitEmptyError):
            await talker.session.commit()


async def test_pauses_in_a_turn_that_the_client_commits_do_not_end_it() -> None:
    async with live_session(MANUAL) as talker:
        await talker.talk(2)
        await talker.pause(3)
        await talker.talk(2)
        await talker.session.commit()
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text == "w w w w"
        assert deltas(talker.events) == completed.text
        assert abs(completed.num_samples - 7 * SAMPLE_RATE) < 0.1 * SAMPLE_RATE


async def test_what_is_cleared_is_not_transcribed() -> None:
    async with live_session(VAD) as talker:
        await talker.talk(2)
        await talker.session.clear()
        await talker.pause(1)
        await talker.until(Cleared)
        await talker.settle()
        assert not talker.of(Committed)
        await talker.talk(1)
        await talker.pause(1)
        await talker.until(TurnCompleted)


async def test_finishing_answers_what_is_committed() -> None:
    gate = threading.Event()
    async with live_session(MANUAL, ScriptedRecogniser(gate=gate)) as talker:
        await talker.talk(1)
        await talker.session.commit()
        finishing = asyncio.create_task(talker.session.finish())
        await talker.settle()
        assert not finishing.done()
        gate.set()
        await finishing
        await talker.until(TurnCompleted)


async def test_speech_that_has_not_started_does_not_stop() -> None:
    async with live_session(VAD) as talker:
        await talker.pause(0.5)
        await talker.session.commit()
        await talker.until(TurnCompleted)
        assert names(talker.events) == ["Committed", "TurnCompleted"]


async def test_what_is_cleared_leaves_no_work_behind() -> None:
    gate = threading.Event()
    async with live_session(MANUAL, ScriptedRecogniser(gate=gate)) as talker:
        for _ in range(3):
            await talker.talk(2)
            await talker.pause(2)
        await talker.settle()
        backlog = talker.session._recogniser.backlog
        assert backlog._num_samples
        await talker.session.clear()
        is_left = backlog._num_samples
        gate.set()
        assert not is_left


async def test_a_hypothesis_that_fails_costs_no_others() -> None:
    class Stumbling(ScriptedRecogniser):
        has_failed = False

        def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
            if not self.has_failed:
                self.has_failed = True
                raise RuntimeError("CUDA error: unspecified launch failure")

    async with live_session(MANUAL, Stumbling()) as talker:
        for _ in range(5):
            await talker.talk(1)
            await talker.settle()
        assert talker.of(TextDelta)


async def test_the_first_turn_is_encoded_once() -> None:
    class Counting(ScriptedRecogniser):
        encoded = 0

        def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
            self.encoded += len(windows)
            return super().encode(windows)

    recogniser = Counting()
    async with live_session(replace(MANUAL, delay=Delay.XHIGH), recogniser) as talker:
        await talker.talk(2)
        await talker.session.commit()
        await talker.until(TurnCompleted)
    assert recogniser.encoded == 1


async def test_a_commit_in_a_pause_takes_the_text_that_was_decoded_meanwhile() -> None:
    recogniser = ScriptedRecogniser()
    async with live_session(MANUAL, recogniser) as talker:
        await talker.talk(2)
        await talker.pause(0.4)
        await talker.settle()
        before = len(recogniser.options)
        await talker.session.commit()
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text == "w w"
        assert len(recogniser.options) == before


async def test_a_commit_amid_speech_after_a_pause_hears_all_of_it() -> None:
    async with live_session(MANUAL) as talker:
        await talker.talk(2)
        await talker.pause(2)
        await talker.talk(3)
        await talker.session.commit()
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text == "w w w w w"
