"""Turns by rules that are not the usual ones, and those that change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models import SAMPLE_RATE
from options import Delay, SemanticVad, ServerVad
from tests.live.live_sessions import VAD, deltas, live_session
from utils.live.events import SpeechStarted, TurnCompleted


async def test_a_turn_may_be_padded_by_seconds() -> None:
    padded = replace(VAD, turns=ServerVad(padding=5 * SAMPLE_RATE))
    async with live_session(padded) as talker:
        await talker.pause(10)
        await talker.talk(2)
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert abs(talker.of(SpeechStarted)[0].start - 5 * SAMPLE_RATE) < 0.1 * SAMPLE_RATE
        assert len(completed.text.split()) == 7


async def test_padding_that_is_asked_for_later_begins_with_what_is_kept() -> None:
    async with live_session(VAD) as talker:
        await talker.pause(10)
        talker.session.update(replace(VAD, turns=ServerVad(padding=5 * SAMPLE_RATE)))
        await talker.talk(2)
        await talker.pause(1)
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text


@pytest.mark.parametrize("delay", [Delay.MEDIUM, Delay.XHIGH])
async def test_a_long_silence_is_no_part_of_the_text(delay: Delay) -> None:
    patient = replace(VAD, turns=ServerVad(silence=32 * SAMPLE_RATE), delay=delay)
    async with live_session(patient) as talker:
        await talker.talk(3)
        await talker.pause(33)
        (completed,) = await talker.until(TurnCompleted)
        assert completed.text == "w w w"
        assert deltas(talker.events) == completed.text


async def test_an_update_amid_a_turn_shifts_nothing() -> None:
    async with live_session(VAD) as talker:
        await talker.talk(1)
        talker.session.update(replace(VAD, turns=SemanticVad(SAMPLE_RATE)))
        await talker.session.append(bytes(2 * 2 * SAMPLE_RATE))
        await talker.talk(1)
        started = talker.session._detector.heard
        assert started == talker.session._source.speech.stop
        await talker.pause(2)
        await talker.until(TurnCompleted, 2)
        assert abs(talker.of(SpeechStarted)[1].start - 2.7 * SAMPLE_RATE) < 0.05 * SAMPLE_RATE
