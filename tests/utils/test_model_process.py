"""A model in a child process behind the same slot: it may crash, hang and leak, alone."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import pytest_asyncio

from exceptions import InvalidAudioError, ModelCrashedError, ModelFailedError, ModelUnavailableError
from tests.faulty_models import FaultyModel, crash_while_loading, fail_to_load, load_faulty_model
from utils.model_manager import ModelSlot, ModelSource
from utils.process.model_process import in_child
from utils.slot_report import SlotState

CALL_SECONDS = 60.0  # far more than any of these calls takes, on a busy machine too


def slot_of(load: Callable[[], FaultyModel], call_seconds: float = CALL_SECONDS) -> ModelSlot[FaultyModel]:
    return ModelSlot("faulty", ModelSource("faulty-1", in_child(load, call_seconds)))


@pytest_asyncio.fixture
async def slot() -> AsyncIterator[ModelSlot[FaultyModel]]:
    slot = slot_of(load_faulty_model)
    yield slot
    await asyncio.to_thread(slot.close)


async def test_arrays_go_and_come_back_and_are_the_callers_own(slot: ModelSlot[FaultyModel]) -> None:
    samples = np.arange(3_000_000, dtype=np.float32)
    first = await slot.run(lambda model: model.double(samples))
    second = await slot.run(lambda model: model.double(samples[::2]))
    assert np.array_equal(first, samples * 2)
    assert np.array_equal(second, samples[::2] * 2)
    first[0] = 7.0
    assert (await slot.run(lambda model: model.double(np.zeros(0, np.float32)))).shape == (0,)


async def test_the_model_is_in_another_process_and_loaded_once(slot: ModelSlot[FaultyModel]) -> None:
    pids = await asyncio.gather(*(slot.run(lambda model: model.process_id()) for _ in range(20)))
    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


async def test_an_abort_is_that_callers_error_and_the_next_is_served(slot: ModelSlot[FaultyModel]) -> None:
    calls: list[Callable[[FaultyModel], Any]] = [
        lambda model: model.double(np.ones(1, np.float32)),
        lambda model: model.crash(),
    ] * 3
    outcomes = await asyncio.gather(*(slot.run(call) for call in calls), return_exceptions=True)
    for good, bad in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert isinstance(good, np.ndarray)
        assert good.tolist() == [2.0]
        assert isinstance(bad, ModelFailedError)
        assert "SIGABRT" in bad.message


async def test_a_call_that_hangs_is_ended() -> None:
    slot = slot_of(load_faulty_model, call_seconds=0.3)
    pid = await slot.run(lambda model: model.process_id())
    with pytest.raises(ModelFailedError, match=r"longer than 0\.3 s"):
        await slot.run(lambda model: model.hang())
    assert not psutil.pid_exists(pid)
    assert slot.report().state is SlotState.UNLOADED
    assert await slot.run(lambda model: model.process_id()) != pid
    slot.close()


async def test_what_leaked_is_given_back_when_idle(slot: ModelSlot[FaultyModel]) -> None:
    await slot.load()
    before = slot.report().memory
    await slot.run(lambda model: model.leak(100))
    after = slot.report().memory
    assert before is not None
    assert after is not None
    assert after - before > 90e6
    pid = await slot.run(lambda model: model.process_id())
    await slot.unload_if_idle(0)
    assert not psutil.pid_exists(pid)
    assert slot.report().memory is None


async def test_errors_of_ours_and_of_others_leave_the_model_loaded(slot: ModelSlot[FaultyModel]) -> None:
    pid = await slot.run(lambda model: model.process_id())
    with pytest.raises(InvalidAudioError, match="no"):
        await slot.run(lambda model: model.refuse())
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero") as caught:
        await slot.run(lambda model: model.fail())
    assert "faulty_models.py" in caught.value.__notes__[0]
    assert await slot.run(lambda model: model.process_id()) == pid


async def test_lanes_are_calls_side_by_side_on_one_model_and_end_with_it() -> None:
    source = ModelSource("faulty-1", in_child(load_faulty_model, CALL_SECONDS, lanes=2), lanes=2)
    slot: ModelSlot[FaultyModel] = ModelSlot("faulty", source)
    pids = await asyncio.gather(*(slot.run(lambda model: model.process_id()) for _ in range(20)))
    assert len(set(pids)) == 1
    started = time.monotonic()
    await asyncio.gather(*(slot.run(lambda model: model.sleep(1.0)) for _ in range(2)))
    assert time.monotonic() - started < 1.9
    hanging, crashing = await asyncio.gather(
        slot.run(lambda model: model.hang()), slot.run(lambda model: model.crash()), return_exceptions=True
    )
    assert isinstance(hanging, ModelCrashedError)
    assert isinstance(crashing, ModelCrashedError)
    later = await asyncio.gather(*(slot.run(lambda model: model.process_id()) for _ in range(4)))
    assert len(set(later)) == 1
    assert set(later).isdisjoint(pids)
    await asyncio.to_thread(slot.close)


async def test_an_exit_is_an_error(slot: ModelSlot[FaultyModel]) -> None:
    with pytest.raises(ModelFailedError, match="exit status 3"):
        await slot.run(lambda model: model.quit())


async def test_a_library_that_prints_does_not_spoil_the_answer(slot: ModelSlot[FaultyModel]) -> None:
    assert await slot.run(lambda model: model.print_and_return()) == 1


@pytest.mark.parametrize(
    ("load", "message"), [(fail_to_load, "weights.bin"), (crash_while_loading, "SIGSEGV")]
)
async def test_a_model_that_cannot_be_loaded_says_why(load: Callable[[], FaultyModel], message: str) -> None:
    slot = slot_of(load)
    with pytest.raises((ModelUnavailableError, ModelFailedError), match=message):
        await slot.load()
    assert slot.report().state is SlotState.FAILED
    slot.close()


async def test_a_child_that_died_between_calls_is_nobodys_error(slot: ModelSlot[FaultyModel]) -> None:
    pid = await slot.run(lambda model: model.process_id())
    child = psutil.Process(pid)
    child.kill()
    child.wait()
    assert await slot.run(lambda model: model.process_id()) != pid


async def test_killed_at_any_moment_it_fails_one_call_and_no_other(slot: ModelSlot[FaultyModel]) -> None:
    """Twenty kills while calls come in: each call ends with its result or with a clear error."""
    moments = random.Random(0)
    kills = 0
    while kills < 20:
        pid = await slot.run(lambda model: model.process_id())
        calls = [asyncio.create_task(slot.run(lambda model: model.sleep(0.02))) for _ in range(3)]
        await asyncio.sleep(moments.uniform(0.0, 0.05))
        psutil.Process(pid).kill()
        kills += 1
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        failed = [outcome for outcome in outcomes if outcome != "slept"]
        assert len(failed) <= 1
        assert all(isinstance(outcome, ModelFailedError) for outcome in failed)


async def test_closing_does_not_wait_for_a_long_call() -> None:
    slot = slot_of(load_faulty_model, call_seconds=60)
    await slot.load()
    hanging = asyncio.create_task(slot.run(lambda model: model.hang()))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await asyncio.to_thread(slot.close)
    assert time.monotonic() - started < 5
    with pytest.raises(ModelFailedError):
        await hanging


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_it_holds_no_descriptor_after_its_end() -> None:
    before = open_descriptors()
    slot = slot_of(load_faulty_model)
    for _ in range(3):
        with pytest.raises(ModelFailedError):
            await slot.run(lambda model: model.crash())
    slot.close()
    assert open_descriptors() <= before + 1
