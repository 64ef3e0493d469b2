"""A session that is to be stored becomes a background transcription when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.eval_set import read_audio
from exceptions import OverloadedError
from models import NO_KNOWN_VOICES, SAMPLE_RATE, KnownVoices
from options import LiveOptions
from services.live.recording import SessionRecording, SessionStore
from tests.live.live_sessions import SIXTEEN, live_session
from utils.live.events import TurnCompleted
from utils.temp_manager import TempManager
from utils.waiting.concurrency import stopped
from utils.workspace_room import WorkspaceRoom

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


async def test_nothing_is_kept_where_it_is_no_longer_asked_for() -> None:
    jobs = Jobs()
    async with live_session(STORED, create=jobs.create) as talker:
        await talker.pause(12)
        talker.session.update(replace(STORED, store=False))
        assert talker.session.stored_as is None
    assert not jobs.made


async def test_a_write_that_is_cancelled_loses_nothing() -> None:
    jobs, waiting = Jobs(), asyncio.Event()

    async def give_way() -> bool:
        waiting.set()
        await asyncio.Event().wait()
        return True

    temp = TempManager()
    recording = SessionRecording(SessionStore(temp, jobs.create), "", "transcription_1")
    free = [0]
    temp.room = WorkspaceRoom(lambda _: (1 << 40, free[0]))
    temp.room.give_way = give_way
    writing = asyncio.create_task(recording.append(np.ones(12 * SAMPLE_RATE, np.int16)))
    await waiting.wait()
    await stopped(writing)
    free[0] = 1 << 40
    await recording.keep(STORED, NO_KNOWN_VOICES)
    temp.close()
    assert len(jobs.made[0][2]) == 12 * SAMPLE_RATE


async def test_of_a_disk_that_was_full_from_the_start_nothing_is_kept() -> None:
    made: list[Path] = []

    async def create(*given: object) -> None:
        made.append(Path(str(given[-1])))

    temp = TempManager()
    temp.room = WorkspaceRoom(lambda _: (1 << 40, 0))
    recording = SessionRecording(SessionStore(temp, create), "", "transcription_1")
    await recording.append(np.ones(12 * SAMPLE_RATE, np.int16))
    await recording.keep(STORED, NO_KNOWN_VOICES)
    temp.close()
    assert not made
