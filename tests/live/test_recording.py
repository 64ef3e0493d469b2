"""A session that is to be stored becomes a background transcription when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio
from exceptions import OverloadedError
from models import SAMPLE_RATE, KnownVoices
from options import LiveOptions
from tests.live.live_sessions import SIXTEEN, live_session
from utils.live.events import TurnCompleted

STORED = LiveOptions(audio=SIXTEEN, store=True)


class Jobs:
    """Reads the recordings that it is given."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, str], np.ndarray]] = []

    async def create(
        self, owner: str, job_id: str, fields: Sequence[tuple[str, str]], voices: KnownVoices, path: Path
    ) -> None:
        self.made.append((job_id, dict(fields), read_audio(path)))


async def test_the_sound_of_a_session_is_kept_when_it_ends() -> None:
    jobs = Jobs()
    async with live_session(STORED, create=jobs.create) as talker:
        await talker.talk(2)
        await talker.pause(21)
        await talker.until(TurnCompleted)
        assert not jobs.made
        told = talker.session.stored_as
    ((job_id, fields, audio),) = jobs.made
    assert job_id == told
    assert fields["response_format"] == "verbose_json"
    assert len(audio) == 23 * SAMPLE_RATE
    assert np.abs(audio[: 2 * SAMPLE_RATE]).mean() > 0.2
    assert not audio[2 * SAMPLE_RATE :].any()


async def test_only_what_comes_after_the_request_is_kept() -> None:
    jobs = Jobs()
    async with live_session(replace(STORED, store=False), create=jobs.create) as talker:
        await talker.pause(1)
        assert talker.session.stored_as is None
        talker.session.update(STORED)
        await talker.pause(2)
    assert len(jobs.made[0][2]) == 2 * SAMPLE_RATE


async def test_a_session_without_sound_is_not_kept() -> None:
    jobs = Jobs()
    async with live_session(STORED, create=jobs.create):
        pass
    assert not jobs.made


async def test_a_store_that_refuses_does_not_disturb_the_session() -> None:
    async def refuse(*_: object) -> None:
        raise OverloadedError("there are too many jobs")

    async with live_session(STORED, create=refuse) as talker:
        await talker.talk(1)
        await talker.pause(1)
        await talker.until(TurnCompleted)
