"""Turns on a resource: abandoned work takes only what nobody else wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence

from options import DecodeOptions
from seams import EncodedWindow, Recogniser, WindowFeatures
from services.whisper.batcher import WhisperBatcher
from services.whisper.work_queues import BatchSizes
from tests.batching.batched_requests import window_of
from tests.fakes import ScriptedRecogniser
from utils.model_manager import ModelSlot, ModelSource
from utils.waiting.progress import Progress
from utils.waiting.turns import Turns, current_progress

ABANDONED = Progress("abandoned")
ABANDONED.is_abandoned = True


class Resource:
    """Logs who gets a turn; each turn ends when the test says so."""

    def __init__(self, lanes: int) -> None:
        self.turns = Turns(lanes)
        self.log: list[str] = []
        self._ends: list[asyncio.Event] = []

    def call(self, name: str, progress: Progress | None = None) -> asyncio.Task[None]:
        async def use() -> None:
            current_progress.set(progress)
            async with self.turns.next():
                self.log.append(name)
                end = asyncio.Event()
                self._ends.append(end)
                await end.wait()

        return asyncio.create_task(use())

    async def end_one(self) -> None:
        self._ends.pop(0).set()
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_abandoned_work_waits_for_a_free_lane() -> None:
    resource = Resource(2)
    resource.call("a")
    for _ in range(32):
        resource.call("abandoned", ABANDONED)
    await settled()
    assert resource.log == ["a", "abandoned"]
    resource.call("b")
    resource.call("c")
    await settled()
    for _ in range(3):
        await resource.end_one()
    assert resource.log == ["a", "abandoned", "b", "c", "abandoned"]


async def test_work_that_is_taken_back_waits_no_longer() -> None:
    resource, progress = Resource(1), Progress("retried")
    progress.is_abandoned = True
    resource.call("a")
    resource.call("b")
    resource.call("retried", progress)
    await settled()
    progress.is_abandoned = False
    await resource.end_one()
    assert resource.log == ["a", "b", "retried"]


async def test_a_cancelled_call_gives_its_turn_back() -> None:
    resource = Resource(1)
    first = resource.call("a")
    resource.call("abandoned", ABANDONED)
    await settled()
    first.cancel()
    await settled()
    assert resource.log == ["a", "abandoned"]


class LoggingRecogniser(ScriptedRecogniser):
    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self._log = log

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        self._log.append("batch")
        return super().encode(windows)


async def test_a_slot_serves_abandoned_work_last_and_a_batch_for_all_in_its_turn() -> None:
    """The worker of the batcher is started by abandoned work, and serves others too."""
    log: list[str] = []
    gate = threading.Event()
    slot = ModelSlot[Recogniser]("whisper", ModelSource("logging", lambda: LoggingRecogniser(log)))
    batcher = WhisperBatcher(slot, BatchSizes())

    async def abandoned(work: Coroutine[None, None, object]) -> None:
        current_progress.set(ABANDONED)
        await work

    first = asyncio.create_task(slot.run(lambda _: gate.wait(30)))
    await settled()
    calls = [asyncio.create_task(abandoned(slot.run(lambda _: log.append("abandoned"))))]
    await settled()
    calls.append(
        asyncio.create_task(abandoned(batcher.encode(ABANDONED, lambda: window_of(1), DecodeOptions())))
    )
    await settled()
    calls.append(asyncio.create_task(slot.run(lambda _: log.append("later"))))
    await settled()
    gate.set()
    await asyncio.gather(first, *calls)
    assert log == ["batch", "later", "abandoned"]
    slot.close()
