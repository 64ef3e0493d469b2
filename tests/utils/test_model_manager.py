"""One model, one thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from exceptions import ModelUnavailableError, StageUnavailableError
from utils.load_failure import RETRY_SECONDS
from utils.model_manager import ModelManager, ModelSlot, ModelSource
from utils.slot_report import SlotState


class Model:
    """Notices when two calls overlap."""

    def __init__(self) -> None:
        self._in_use = threading.Lock()
        self.overlapped = False
        self.calls = 0

    def work(self) -> int:
        if not self._in_use.acquire(blocking=False):
            self.overlapped = True
            return -1
        threading.Event().wait(0.001)
        self.calls += 1
        self._in_use.release()
        return self.calls


class SlotUnderTest:
    """A slot, its loads counted, with a clock that the test sets."""

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


class PausedWork:
    """Work that has started and waits to be finished."""

    def __init__(self) -> None:
        self._started, self._may_finish = threading.Event(), threading.Event()

    def work(self, model: Model) -> Model:
        self._started.set()
        assert self._may_finish.wait(10)
        return model

    async def started(self) -> None:
        assert await asyncio.to_thread(self._started.wait, 10)

    def finish(self) -> None:
        self._may_finish.set()


@pytest_asyncio.fixture
async def tested() -> AsyncIterator[SlotUnderTest]:
    tested = SlotUnderTest()
    yield tested
    tested.slot.close()


async def test_fifty_callers_load_once_and_never_overlap(tested: SlotUnderTest) -> None:
    calls = await asyncio.gather(*(tested.slot.run(Model.work) for _ in range(50)))
    (model,) = tested.loaded
    assert calls == list(range(1, 51))
    assert not model.overlapped


async def test_nothing_is_loaded_before_it_is_asked_for(tested: SlotUnderTest) -> None:
    assert (tested.state(), tested.loaded) == (SlotState.UNLOADED, [])
    await tested.slot.load()
    assert (tested.state(), len(tested.loaded)) == (SlotState.LOADED, 1)


async def test_a_report_names_the_model_its_state_and_its_last_use(tested: SlotUnderTest) -> None:
    before = tested.slot.report()
    assert (before.model, before.state, before.device) == ("toy-1", SlotState.UNLOADED, "cpu")
    assert (before.memory, before.last_used) == (None, None)
    await tested.slot.load()
    tested.now += 60
    after = tested.slot.report()
    assert after.state is SlotState.LOADED
    assert after.memory is not None
    assert after.last_used == pytest.approx(time.time() - 60, abs=5)


async def test_cancelled_while_it_waits_work_never_runs(tested: SlotUnderTest) -> None:
    paused = PausedWork()
    first = asyncio.create_task(tested.slot.run(paused.work))
    await paused.started()
    waiting = asyncio.create_task(tested.slot.run(Model.work))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    paused.finish()
    assert (await first).calls == 0
    assert await tested.slot.run(Model.work) == 1


async def test_cancelled_while_it_runs_work_still_has_the_model_to_itself(tested: SlotUnderTest) -> None:
    paused = PausedWork()
    running = asyncio.create_task(tested.slot.run(paused.work))
    await paused.started()
    running.cancel()
    next_one = asyncio.create_task(tested.slot.run(Model.work))
    done, _ = await asyncio.wait([next_one], timeout=0.05)
    assert not done
    paused.finish()
    assert await next_one == 1


async def test_an_error_of_the_work_leaves_the_model_loaded(tested: SlotUnderTest) -> None:
    def fail(_: Model) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await tested.slot.run(fail)
    assert tested.state() == SlotState.LOADED


async def test_a_model_that_cannot_be_loaded_is_tried_again(tested: SlotUnderTest) -> None:
    tested.errors.append(OSError("no such file"))
    with pytest.raises(ModelUnavailableError, match="toy model cannot be loaded: no such file") as caught:
        await tested.slot.load()
    assert isinstance(caught.value.__cause__, OSError)
    assert tested.state() == SlotState.FAILED


async def test_a_failed_load_is_not_tried_again_at_once_but_is_after_a_while(tested: SlotUnderTest) -> None:
    tested.errors.append(OSError("no such file"))
    for _ in range(3):
        with pytest.raises(ModelUnavailableError, match="no such file"):
            await tested.slot.load()
    tested.now += RETRY_SECONDS
    assert tested.state() == SlotState.UNLOADED
    await tested.slot.load()
    assert tested.state() == SlotState.LOADED


async def test_an_error_of_ours_is_passed_on_as_it_is(tested: SlotUnderTest) -> None:
    error = StageUnavailableError("off")
    tested.errors.append(error)
    with pytest.raises(StageUnavailableError) as caught:
        await tested.slot.load()
    assert (caught.value.message, caught.value.__cause__) == ("off", error)
    assert tested.state() == SlotState.FAILED


async def test_an_idle_model_is_unloaded_and_loaded_anew(tested: SlotUnderTest) -> None:
    await tested.slot.load()
    tested.now = 59
    await tested.slot.unload_if_idle(60)
    assert tested.state() == SlotState.LOADED
    await tested.slot.run(Model.work)  # at 59 s
    tested.now = 118
    await tested.slot.unload_if_idle(60)
    assert tested.state() == SlotState.LOADED
    tested.now = 119
    await tested.slot.unload_if_idle(60)
    assert tested.state() == SlotState.UNLOADED
    assert await tested.slot.run(Model.work) == 1
    assert len(tested.loaded) == 2


async def test_a_model_in_use_is_not_unloaded(tested: SlotUnderTest) -> None:
    paused = PausedWork()
    working = asyncio.create_task(tested.slot.run(paused.work))
    await paused.started()
    tested.now = 1000
    unloading = asyncio.create_task(tested.slot.unload_if_idle(60))
    await asyncio.sleep(0)
    paused.finish()
    await asyncio.gather(working, unloading)
    assert tested.state() == SlotState.LOADED


async def test_closing_finishes_the_running_work_and_drops_the_rest(tested: SlotUnderTest) -> None:
    paused = PausedWork()
    first = asyncio.create_task(tested.slot.run(paused.work))
    await paused.started()
    waiting = asyncio.create_task(tested.slot.run(Model.work))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(tested.slot.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    paused.finish()
    assert (await first).calls == 0
    await closing
    assert tested.state() == SlotState.UNLOADED


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
