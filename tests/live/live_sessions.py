"""Live sessions over fakes: audio is loud or silent, the recogniser says a word for each second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from models import SAMPLE_RATE
from options import LiveFormat, LiveOptions
from seams import Detector, Recogniser
from services.diarization_service import Diarizer
from services.live.live_service import LiveService
from services.live.recording import CreateJob, SessionStore
from services.live.session import Session
from services.whisper.work_queues import BatchSizes
from services.whisper_pool import WhisperPool
from services.whisper_service import WhisperService
from tests.fakes import LoudnessDetector, ScriptedRecogniser, fake_diarizer
from utils.live.events import LiveEvent, TextDelta
from utils.model_manager import ModelManager, ModelSlot, ModelSource
from utils.temp_manager import TempManager

SIXTEEN = LiveFormat(rate=SAMPLE_RATE)
E = TypeVar("E")

PIECE = SAMPLE_RATE // 10
VAD = LiveOptions(audio=SIXTEEN)
MANUAL = replace(VAD, turns=None)


class AudioClock:
    """A clock that goes on as audio is sent, so that it comes as it is spoken."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Talker:
    """Sends audio to a session, and collects what it tells."""

    session: Session
    clock: AudioClock
    events: list[LiveEvent] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, seconds: float, hertz: float = 300) -> None:
        """Speakers differ in their pitch."""
        times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        await self._send((20_000 * np.sin(2 * np.pi * hertz * times)).astype("<i2"))

    async def talk_until(self, kind: type[E]) -> list[E]:
        """Talks until there is an event of a kind."""
        async with asyncio.timeout(30):
            while not self.of(kind):
                await self.talk(0.5)
                await self.settle()
        return self.of(kind)

    async def pause(self, seconds: float) -> None:
        await self._send(np.zeros(int(seconds * SAMPLE_RATE), "<i2"))

    async def until(self, kind: type[E], count: int = 1) -> list[E]:
        """Waits for so many events of a kind; returns them."""
        async with asyncio.timeout(30):
            while len(found := self.of(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return found

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def collect(self) -> None:
        async for event in self.session.events():
            self.events.append(event)
            self.changed.set()

    async def settle(self) -> None:
        """Lets the session do all that it can."""
        for _ in range(200):
            await asyncio.sleep(0.0005)

    async def _send(self, samples: np.ndarray) -> None:
        for start in range(0, len(samples), PIECE):
            self.clock.now += 0.1
            await self.session.append(samples[start : start + PIECE].tobytes())
            await asyncio.sleep(0)


async def keep_nothing(*_: object) -> None:
    """Of sessions that are not stored."""
    raise NotImplementedError


@asynccontextmanager
async def live_session(
    options: LiveOptions,
    recogniser: Recogniser | None = None,
    create: CreateJob = keep_nothing,
    diarizer: Callable[[ModelManager], Diarizer] = fake_diarizer,
) -> AsyncIterator[Talker]:
    async with (
        live_service(recogniser, create=create, diarizer=diarizer) as (service, clock),
        service.open("", "req", options) as session,
    ):
        talker = Talker(session, clock)
        collecting = asyncio.create_task(talker.collect())
        try:
            yield talker
        finally:
            collecting.cancel()


@asynccontextmanager
async def live_service(
    recogniser: Recogniser | None = None,
    max_sessions: int = 0,
    create: CreateJob = keep_nothing,
    diarizer: Callable[[ModelManager], Diarizer] = fake_diarizer,
) -> AsyncIterator[tuple[LiveService, AudioClock]]:
    model: Recogniser = recogniser or ScriptedRecogniser()
    whisper: ModelSlot[Recogniser] = ModelSlot("whisper", ModelSource("scripted", lambda: model))
    detector: ModelSlot[Detector] = ModelSlot("speech", ModelSource("loudness", LoudnessDetector))
    clock = AudioClock()
    own = WhisperService(whisper, BatchSizes())

    def add(_: str) -> WhisperService:
        raise NotImplementedError

    async def remove(_: str) -> None:
        raise NotImplementedError

    models = ModelManager()
    temp = TempManager()
    try:
        pool = WhisperPool(own, "scripted", add, remove, 0)
        store = SessionStore(temp, create)
        yield LiveService(pool, detector, diarizer(models), store, max_sessions, clock), clock
    finally:
        whisper.close()
        detector.close()
        models.close()
        temp.close()


def names(events: Sequence[LiveEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def deltas(events: Sequence[object]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
