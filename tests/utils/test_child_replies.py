"""A child process that cannot answer, or whose answer cannot be read, is an error at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exceptions import ModelCrashedError, ShuttingDownError
from tests.faulty_models import FaultyModel, load_faulty_model
from utils.model_manager import ModelSlot, ModelSource
from utils.process.model_process import in_child

LANES = 2  # the second is served by a thread of the child, the first by its main thread


@pytest_asyncio.fixture
async def slot() -> AsyncIterator[ModelSlot[FaultyModel]]:
    source = ModelSource("faulty-1", in_child(load_faulty_model, 60, LANES), lanes=LANES)
    slot: ModelSlot[FaultyModel] = ModelSlot("faulty", source)
    yield slot
    await asyncio.to_thread(slot.close)


async def in_every_lane(slot: ModelSlot[FaultyModel], call: Callable[[FaultyModel], Any]) -> list[Any]:
    calls = (slot.run(call) for _ in range(2 * LANES))
    return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), timeout=30)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda model: model.reply_with_a_lock(), RuntimeError, "cannot pickle"),
        (lambda model: model.reply_with_what_only_the_child_can_load(), LookupError, "not here"),
        (lambda model: model.no_such_method(), RuntimeError, "no_such_method"),
        (lambda model: model.refuse_as_shutting_down(), ShuttingDownError, "shutting down"),
    ],
)
async def test_the_call_fails_at_once_and_its_lane_goes_on(
    slot: ModelSlot[FaultyModel], call: Callable[[FaultyModel], Any], error: type[Exception], message: str
) -> None:
    pid = await slot.run(lambda model: model.process_id())
    for outcome in await in_every_lane(slot, call):
        assert isinstance(outcome, error)
        assert message in str(outcome)
    assert await in_every_lane(slot, lambda model: model.process_id()) == [pid] * 2 * LANES


async def test_an_exit_in_any_lane_ends_the_process(slot: ModelSlot[FaultyModel]) -> None:
    outcomes = await in_every_lane(slot, lambda model: model.quit())
    assert all(isinstance(outcome, ModelCrashedError) for outcome in outcomes)
    assert "exit status 3" in str(outcomes[0])


async def test_the_child_never_runs_code_of_the_working_directory(
    slot: ModelSlot[FaultyModel], tmp_path: Path
) -> None:
    for name in ("utils", "utils/process", "exceptions", "numpy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import os; os._exit(7)")
    with chdir(tmp_path):
        assert await slot.run(lambda model: model.process_id()) != os.getpid()
