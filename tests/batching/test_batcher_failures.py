"""Windows that are tried again: never for callers who have left, and never without an end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from exceptions import ModelCrashedError, ModelUnavailableError
from options import DecodeOptions
from seams import EncodedWindow
from services.whisper.work_queues import BatchSizes
from tests.batching.batched_requests import SIZES, RecordingRecogniser, Requests


class FailingFirst(RecordingRecogniser):
    """Its first decoding runs `meanwhile` and fails with `error`."""

    def __init__(self, error: Exception, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._error = error
        self.meanwhile = meanwhile

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if len(self.steps) == 1:
            self.meanwhile()
            raise self._error


ERRORS = [ModelCrashedError("SIGSEGV"), ValueError("a bad window"), RuntimeError("out of memory")]


@pytest.mark.parametrize("error", ERRORS)
async def test_windows_of_callers_who_left_are_not_tried_again(error: Exception) -> None:
    model = FailingFirst(error)
    requests = Requests(model)
    loop = asyncio.get_running_loop()
    asked = [asyncio.create_task(requests.ask(owner, n)) for n, owner in enumerate("ABCD", start=1)]

    def all_but_the_first_leave() -> None:
        has_left = threading.Event()

        async def leave() -> None:
            for task in asked[1:]:
                task.cancel()
            await asyncio.wait(asked[1:])
            has_left.set()

        asyncio.run_coroutine_threadsafe(leave(), loop)
        assert has_left.wait(10)

    model.meanwhile = all_but_the_first_leave
    assert await asked[0] == " w"
    await requests.ask("E", 5)  # after all that is left to do
    assert [lengths for _, lengths in model.steps] == [[1, 2, 3, 4], [1], [5]]


async def test_windows_of_callers_who_left_while_the_model_was_loaded_are_not_run() -> None:
    gate = threading.Event()
    model = RecordingRecogniser()
    requests = Requests(model, load=lambda: (gate.wait(10), model)[1])
    asked = [asyncio.create_task(requests.ask(owner, n)) for n, owner in enumerate("AB", start=1)]
    await asyncio.sleep(0.01)
    asked[0].cancel()
    await asyncio.wait(asked[:1])
    gate.set()
    assert await asked[1] == " w w"
    assert model.encoded == [2]


@pytest.mark.parametrize("error", ERRORS)
async def test_every_caller_gets_an_answer_if_the_slot_closes_during_a_retry(error: Exception) -> None:
    gate, is_held = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: object) -> None:
        is_held.set()
        gate.wait(10)

    async def hold_slot() -> None:
        others.append(asyncio.create_task(requests.slot.run(hold)))
        await asyncio.sleep(0)

    others: list[asyncio.Task[None]] = []
    # The thread of the slot is taken before the windows are tried again: they are queued when it closes.
    model = FailingFirst(error, lambda: asyncio.run_coroutine_threadsafe(hold_slot(), loop).result(10))
    requests = Requests(model)
    asked = [asyncio.create_task(requests.ask(owner, n)) for n, owner in enumerate("ABCDEFGH", start=1)]
    await asyncio.to_thread(is_held.wait)
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(asyncio.to_thread(requests.slot.close))
    await asyncio.wait(asked, timeout=5)
    assert all(task.cancelled() or isinstance(task.exception(), ModelUnavailableError) for task in asked)
    gate.set()
    await asyncio.gather(closing, *others)


class Detecting(RecordingRecogniser):
    """Its first two calls, of whatever kind, run side by side and end with the process."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)
        self._calls = 0

    def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
        self._crash()
        return super().language_probabilities(window)

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        self._crash()

    def _crash(self) -> None:
        self._calls += 1
        if self._calls <= 2:
            self._both.wait(10)
            raise ModelCrashedError("The process of the model ended with SIGSEGV.")


async def test_the_detection_of_a_language_survives_the_crash_of_a_neighbour() -> None:
    requests = Requests(Detecting(), BatchSizes(encode=1, decode=1), lanes=2)
    window = EncodedWindow(np.zeros(1, np.float32), 16_000)
    detected, text = await asyncio.gather(
        requests.batcher.language_probabilities(requests.flow("A"), window), requests.ask("B", 1)
    )
    assert (detected["en"], text) == (0.6, " w")


async def test_detections_take_turns_with_the_windows_of_others() -> None:
    gate = threading.Event()
    order: list[str] = []

    class Noting(RecordingRecogniser):
        def language_probabilities(self, window: EncodedWindow) -> dict[str, float]:
            order.append("detect")
            return super().language_probabilities(window)

        def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
            gate.wait(10)

    model = Noting()
    requests = Requests(model, SIZES)
    asked = [asyncio.create_task(requests.ask("long", 1))]
    await asyncio.to_thread(model.has_begun.wait)
    asked += [asyncio.create_task(requests.ask("long", 30)) for _ in range(8)]
    await asyncio.sleep(0)
    window = EncodedWindow(np.zeros(1, np.float32), 16_000)
    detecting = asyncio.create_task(requests.batcher.language_probabilities(requests.flow("new"), window))
    await asyncio.sleep(0)
    gate.set()
    await detecting
    assert len(model.encoded) <= 3
    await asyncio.gather(*asked)
