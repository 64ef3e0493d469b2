"""Models that requests name: some are loading, some in use, some being removed, and none holds up another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from models import AudioClip, Span, seconds
from options import DecodeOptions
from services.whisper.work_queues import BatchSizes
from services.whisper_pool import WhisperPool
from services.whisper_service import WhisperService
from tests.fakes import ScriptedRecogniser
from tests.servers import wait_until
from utils.audio_utils import read_samples
from utils.model_manager import ModelManager, ModelSource
from utils.waiting.progress import Progress


class Noting(WhisperService):
    """Notes the turns in which it keeps a lane."""

    turns = 0

    def in_turn(self) -> AbstractContextManager[None]:
        self.turns += 1
        return super().in_turn()


class Pool:
    """At most two extra models. Those whose name begins with "slow" load once the gate opens."""

    def __init__(self, folder: Path) -> None:
        self.gate = threading.Event()
        self.models = ModelManager()
        self._clip = AudioClip(folder / "audio.s16", seconds(2))
        self._clip.path.write_bytes(bytes(2 * self._clip.num_samples))
        own = Noting(self.models.add("own", ModelSource("own", ScriptedRecogniser)), BatchSizes())
        self.services = {"own": own}
        self._pool = WhisperPool(own, "own", self._add, self.models.remove, max_extras=2)

    def _add(self, name: str) -> WhisperService:
        def load() -> ScriptedRecogniser:
            if name.startswith("slow"):
                self.gate.wait(10)
            return ScriptedRecogniser()

        service = Noting(self.models.add(name, ModelSource(name, load), is_extra=True), BatchSizes())
        self.services[name] = service
        return service

    def names(self) -> set[str]:
        return set(self.models.reports()) - {"own"}

    async def ask(self, model: str) -> str | None:
        window = Span(0, self._clip.num_samples)
        samples = partial(read_samples, self._clip)
        options = DecodeOptions(model=model)
        return await self._pool.detect_language(Progress("r"), samples, [window], options, {})

    async def step(self, model: str) -> str:
        step = await self._pool.step(
            Progress("r"), lambda: np.zeros(seconds(2), np.float32), DecodeOptions("en", model=model)
        )
        return step.text.text

    def turns_of(self, model: str) -> int:
        """After one more turn of a session with this model."""
        with self._pool.in_turn(model):
            return self.services[model].turns if model in self.services else 0

    async def abandon(self, model: str) -> None:
        """Ask for a model and leave while it loads."""
        asked = asyncio.create_task(self.ask(model))
        await asyncio.to_thread(wait_until, lambda: self._is_loading(model))
        asked.cancel()
        await asyncio.wait([asked])

    def _is_loading(self, model: str) -> bool:
        return model in self.names() and self.models.reports()[model].state == "loading"


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    pool = Pool(tmp_path)
    yield pool
    pool.gate.set()
    await asyncio.to_thread(pool.models.close)


async def soon(asked: asyncio.Task[str | None]) -> str | None:
    return await asyncio.wait_for(asyncio.shield(asked), timeout=5)


@pytest.mark.parametrize("model", ["own", "quick"])
async def test_the_removal_of_an_abandoned_load_holds_up_no_other_model(pool: Pool, model: str) -> None:
    await pool.abandon("slow")
    await pool.ask("quick")
    waiting = asyncio.create_task(pool.ask("other"))  # for the room of "slow"
    await asyncio.sleep(0.05)
    assert pool.names() == {"quick"}
    assert await soon(asyncio.create_task(pool.ask(model))) == "en"
    pool.gate.set()
    assert await soon(waiting) == "en"


async def test_only_those_wait_for_a_removal_who_need_its_room(pool: Pool) -> None:
    await pool.abandon("slow 1")
    await pool.abandon("slow 2")
    waiting = [asyncio.create_task(pool.ask(name)) for name in ("quick", "slow 1")]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    assert await soon(asyncio.create_task(pool.ask("own"))) == "en"
    pool.gate.set()
    assert [await soon(task) for task in waiting] == ["en", "en"]


async def test_a_model_in_use_is_not_removed_and_is_shared_while_another_is_waited_for(pool: Pool) -> None:
    in_use = [asyncio.create_task(pool.ask(name)) for name in ("slow 1", "slow 2")]
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(pool.ask("quick"))
    await asyncio.sleep(0.05)
    in_use.append(asyncio.create_task(pool.ask("slow 1")))
    await asyncio.sleep(0.05)
    assert pool.names() == {"slow 1", "slow 2"}
    pool.gate.set()
    assert [await soon(task) for task in (*in_use, waiting)] == ["en"] * 4
    assert len(pool.names()) == 2


async def test_the_least_recently_used_makes_room_and_no_more_than_needed(pool: Pool) -> None:
    for name in ("a", "b", "a"):
        await pool.ask(name)
    waiting = [asyncio.create_task(pool.ask("c")) for _ in range(3)]
    assert [await soon(task) for task in waiting] == ["en"] * 3
    assert pool.names() == {"a", "c"}


async def test_who_leaves_while_waiting_takes_no_room(pool: Pool) -> None:
    await pool.abandon("slow 1")
    await pool.abandon("slow 2")
    leaving = asyncio.create_task(pool.ask("c"))
    await asyncio.sleep(0.05)
    leaving.cancel()
    await asyncio.wait([leaving])
    pool.gate.set()
    assert await soon(asyncio.create_task(pool.ask("d"))) == "en"
    assert await soon(asyncio.create_task(pool.ask("slow 2"))) == "en"


async def test_a_live_step_names_its_model_and_its_turn_keeps_a_lane_of_that_model(pool: Pool) -> None:
    assert pool.turns_of("quick") == 0
    assert [await pool.step(name) for name in ("own", "quick")] == [" w w", " w w"]
    assert [pool.turns_of(name) for name in ("own", "quick", "quick")] == [1, 1, 2]
