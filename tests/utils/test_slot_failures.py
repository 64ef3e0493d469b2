"""Loads that fail, crash, or are still under way when their slot closes."""

from __future__ import annotations

import asyncio
import threading
import traceback
from functools import partial
from pathlib import Path

import psutil
import pytest

from exceptions import ModelUnavailableError
from tests.faulty_models import FaultyModel, crash_in_the_first_load, crash_while_loading, hang_while_loading
from tests.servers import wait_until
from utils.load_failure import RETRY_SECONDS
from utils.model_manager import ModelManager, ModelSlot, ModelSource
from utils.process.model_process import in_child
from utils.slot_report import SlotState


class Unloadable:
    """A slot whose model is not there, with a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loads = 0
        self.slot: ModelSlot[None] = ModelSlot("toy", ModelSource("toy-1", self._load), lambda: self.now)

    def _load(self) -> None:
        self.loads += 1
        raise OSError("no such file")

    async def error(self) -> ModelUnavailableError:
        with pytest.raises(ModelUnavailableError, match="no such file") as caught:
            await self.slot.load()
        return caught.value


async def test_callers_are_told_when_the_load_is_next_tried() -> None:
    toy = Unloadable()
    waits = []
    for toy.now in (0.0, 0.5, 12.0, RETRY_SECONDS - 0.1):
        waits.append((await toy.error()).retry_after)
    assert waits == [30, 30, 18, 1]
    assert toy.loads == 1
    toy.now += 1
    assert (await toy.error()).retry_after == 30
    assert toy.loads == 2


async def test_each_caller_gets_an_error_of_its_own() -> None:
    toy = Unloadable()
    errors = [await toy.error() for _ in range(20)]
    assert len(set(map(id, errors))) == 20
    lengths = {len(traceback.extract_tb(error.__traceback__)) for error in errors[1:]}
    assert len(lengths) == 1
    assert all(error.__cause__ is None for error in errors[1:])


async def test_a_load_that_crashes_is_tried_again_at_once(tmp_path: Path) -> None:
    load = in_child(partial(crash_in_the_first_load, tmp_path / "crashed"))
    slot: ModelSlot[FaultyModel] = ModelSlot("faulty", ModelSource("faulty-1", load))
    assert await slot.run(lambda model: model.sleep(0)) == "slept"
    await asyncio.to_thread(slot.close)


async def test_a_load_that_always_crashes_makes_the_model_unavailable() -> None:
    slot: ModelSlot[FaultyModel] = ModelSlot("faulty", ModelSource("faulty-1", in_child(crash_while_loading)))
    with pytest.raises(ModelUnavailableError, match="SIGSEGV") as caught:
        await slot.load()
    assert caught.value.retry_after == RETRY_SECONDS
    assert slot.state is SlotState.FAILED
    slot.close()


async def test_closing_ends_a_process_that_is_loading(tmp_path: Path) -> None:
    marker = tmp_path / "loading"
    load = in_child(partial(hang_while_loading, marker))
    slot: ModelSlot[FaultyModel] = ModelSlot("faulty", ModelSource("faulty-1", load))
    loading = asyncio.create_task(slot.load())
    await asyncio.to_thread(wait_until, lambda: marker.exists() and marker.read_text() != "")
    await asyncio.wait_for(asyncio.to_thread(slot.close), timeout=30)
    with pytest.raises(ModelUnavailableError, match="SIGKILL"):
        await loading
    assert not psutil.pid_exists(int(marker.read_text()))


async def test_a_slot_that_is_closed_refuses_calls_and_has_nothing_to_unload() -> None:
    slot: ModelSlot[object] = ModelSlot("toy", ModelSource("toy-1", object))
    await slot.load()
    slot.close()
    await slot.unload_if_idle(0)
    with pytest.raises(ModelUnavailableError, match="unloaded"):
        await slot.load()


async def test_unloading_is_harmless_to_a_slot_that_closes_meanwhile() -> None:
    gate, has_begun = threading.Event(), threading.Event()

    def work(_: object) -> None:
        has_begun.set()
        gate.wait(10)

    slot: ModelSlot[object] = ModelSlot("toy", ModelSource("toy-1", object))
    working = asyncio.create_task(slot.run(work))
    await asyncio.to_thread(has_begun.wait)
    unloading = asyncio.create_task(slot.unload_if_idle(0))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(slot.close))
    await unloading
    gate.set()
    await asyncio.gather(working, closing)


async def test_models_that_only_requests_named_do_not_make_the_server_fail() -> None:
    manager, toy = ModelManager(), Unloadable()

    def load() -> None:
        raise OSError("no such file")

    extra = manager.add("whisper nonsense", ModelSource("nonsense", load), is_extra=True)
    with pytest.raises(ModelUnavailableError):
        await extra.load()
    assert not manager.has_failed
    own = manager.add("whisper", ModelSource("toy-1", load), lambda: toy.now)
    with pytest.raises(ModelUnavailableError):
        await own.load()
    assert manager.has_failed
    manager.close()
