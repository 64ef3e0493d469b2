"""One model, one thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from exceptions import ModelUnavailableError, StageUnavailableError
from utils.model_manager import RETRY_SECONDS, ModelManager, ModelSlot, ModelSource, SlotState


class Model:
    """Notices when two are inside at once."""

    def __init__(self) -> None:
        self._inside = threading.Lock()
        self.overlapped = False
        self.calls = 0

    def work(self) -> int:
        if not self._inside.acquire(blocking=False):
            self.overlapped = True
            return -1
        threading.Event().wait(0.001)
        self.calls += 1
        self._inside.release()
        return self.calls


class Shop:
    """A slot, its loads counted, with a clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loaded: list[Model] = []
        self.errors: list[Exception] = []
        self.slot: ModelSlot[Model] = ModelSlot(
            "toy", ModelSource("toy-1", self._load, "cpu"), lambda: self.now
        )

    def _load(self) -> Model:
        if self.errors:
            raise self.errors.pop()
        self.loaded.append(Model())
        return self.loaded[-1]

    def state(self) -> SlotState:
        return self.slot.state


class Gate:
    """Work that stays inside until it is let out."""

    def __init__(self) -> None:
        self._inside, self._open = threading.Event(), threading.Event()

    def work(self, model: Model) -> Model:
        self._inside.set()
        assert self._open.wait(10)
        return model

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._inside.wait, 10)

    def open(self) -> None:
        self._open.set()


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    yield shop
    shop.slot.close()


async def test_fifty_callers_load_once_and_never_overlap(shop: Shop) -> None:
    calls = await asyncio.gather(*(shop.slot.run(Model.work) for _ in range(50)))
    (model,) = shop.loaded
    assert calls == list(range(1, 51))
    assert not model.overlapped


async def test_nothing_is_loaded_before_it_is_asked_for(shop: Shop) -> None:
    assert (shop.state(), shop.loaded) == (SlotState.UNLOADED, [])
    await shop.slot.load()
    assert (shop.state(), len(shop.loaded)) == (SlotState.LOADED, 1)


async def test_a_report_names_the_model_its_state_and_its_last_use(shop: Shop) -> None:
    before = shop.slot.report()
    assert (before.model, before.state, before.device) == ("toy-1", SlotState.UNLOADED, "cpu")
    assert (before.memory, before.last_used) == (None, None)
    await shop.slot.load()
    shop.now += 60
    after = shop.slot.report()
    assert after.state is SlotState.LOADED
    assert after.memory is not None
    assert after.last_used == pytest.approx(time.time() - 60, abs=5)


async def test_cancelled_while_it_waits_work_never_runs(shop: Shop) -> None:
    gate = Gate()
    first = asyncio.create_task(shop.slot.run(gate.work))
    await gate.entered()
    waiting = asyncio.create_task(shop.slot.run(Model.work))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open()
    assert (await first).calls == 0
    assert await shop.slot.run(Model.work) == 1


async def test_cancelled_while_it_runs_work_still_has_the_model_to_itself(shop: Shop) -> None:
    gate = Gate()
    running = asyncio.create_task(shop.slot.run(gate.work))
    await gate.entered()
    running.cancel()
    next_one = asyncio.create_task(shop.slot.run(Model.work))
    done, _ = await asyncio.wait([next_one], timeout=0.05)
    assert not done
    gate.open()
    assert await next_one == 1


async def test_an_error_of_the_work_leaves_the_model_loaded(shop: Shop) -> None:
    def fail(_: Model) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await shop.slot.run(fail)
    assert shop.state() == SlotState.LOADED


async def test_a_model_that_cannot_be_loaded_is_tried_again(shop: Shop) -> None:
    shop.errors.append(OSError("no such file"))
    with pytest.raises(ModelUnavailableError, match="toy model cannot be loaded: no such file") as caught:
        await shop.slot.load()
    assert isinstance(caught.value.__cause__, OSError)
    assert shop.state() == SlotState.FAILED


async def test_a_failed_load_is_not_tried_again_at_once_but_is_after_a_while(shop: Shop) -> None:
    shop.errors.append(OSError("no such file"))
    for _ in range(3):
        with pytest.raises(ModelUnavailableError, match="no such file"):
            await shop.slot.load()
    shop.now += RETRY_SECONDS
    assert shop.state() == SlotState.UNLOADED
    await shop.slot.load()
    assert shop.state() == SlotState.LOADED


async def test_an_error_of_ours_is_passed_on_as_it_is(shop: Shop) -> None:
    error = StageUnavailableError("off")
    shop.errors.append(error)
    with pytest.raises(StageUnavailableError) as caught:
        await shop.slot.load()
    assert caught.value is error
    assert shop.state() == SlotState.FAILED


async def test_an_idle_model_is_unloaded_and_loaded_anew(shop: Shop) -> None:
    await shop.slot.load()
    shop.now = 59
    await shop.slot.unload_if_idle(60)
    assert shop.state() == SlotState.LOADED
    await shop.slot.run(Model.work)  # at 59 s
    shop.now = 118
    await shop.slot.unload_if_idle(60)
    assert shop.state() == SlotState.LOADED
    shop.now = 119
    await shop.slot.unload_if_idle(60)
    assert shop.state() == SlotState.UNLOADED
    assert await shop.slot.run(Model.work) == 1
    assert len(shop.loaded) == 2


async def test_a_model_in_use_is_not_unloaded(shop: Shop) -> None:
    gate = Gate()
    working = asyncio.create_task(shop.slot.run(gate.work))
    await gate.entered()
    shop.now = 1000
    unloading = asyncio.create_task(shop.slot.unload_if_idle(60))
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(working, unloading)
    assert shop.state() == SlotState.LOADED


async def test_closing_finishes_the_work_in_hand_and_drops_the_rest(shop: Shop) -> None:
    gate = Gate()
    first = asyncio.create_task(shop.slot.run(gate.work))
    await gate.entered()
    waiting = asyncio.create_task(shop.slot.run(Model.work))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(shop.slot.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open()
    assert (await first).calls == 0
    await closing
    assert shop.state() == SlotState.UNLOADED


def states(manager: ModelManager) -> dict[str, SlotState]:
    return {name: report.state for name, report in manager.reports().items()}


async def test_a_manager_loads_and_unloads_its_slots() -> None:
    manager, now = ModelManager(), {"a": 0.0, "b": 0.0}
    manager.add("a", ModelSource("toy", Model), lambda: now["a"])
    slot = manager.add("b", ModelSource("toy", Model), lambda: now["b"])
    await manager.load_all()
    await slot.run(Model.work)
    assert states(manager) == {"a": SlotState.LOADED, "b": SlotState.LOADED}
    now["a"] = 100
    await manager.unload_idle(50)
    assert states(manager) == {"a": SlotState.UNLOADED, "b": SlotState.LOADED}
    manager.close()
    assert set(states(manager).values()) == {SlotState.UNLOADED}
