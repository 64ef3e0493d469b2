"""Windows of several requests on one recogniser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from exceptions import InvalidRequestError, ModelCrashedError, ModelFailedError
from models import WindowText
from options import DecodeOptions
from services.whisper.work_queues import BatchSizes
from tests.batching.batched_requests import ENGLISH, RecordingRecogniser, Requests

GERMAN = DecodeOptions("de")
BAD = 13  # seconds; the recognisers below fail at a window of this length


class OutOfMemory(RecordingRecogniser):
    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if len(lengths) > 2 or BAD in lengths:
            raise RuntimeError("CUDA failed with error out of memory")


class Failing(RecordingRecogniser):
    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if BAD in lengths:
            raise ValueError("a bad window")


class Parallel(RecordingRecogniser):
    """Its first two calls return only when both have started."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if len(self.steps) <= 2:
            self._both.wait(10)


class Crashing(Parallel):
    """The bad window ends the process, and with it the other call."""

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        super().check(lengths, options)
        if len(self.steps) <= 2 or BAD in lengths:
            raise ModelCrashedError("The process of the model ended with SIGSEGV.")


class OnlyEnglish(RecordingRecogniser):
    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if GERMAN in options:
            raise InvalidRequestError("not German", param="language")


class Doubtful(RecordingRecogniser):
    """Repeats itself over the bad window until the temperature is 0.4."""

    def _text(self, seconds: int, words: bool, temperature: float) -> WindowText:
        text = super()._text(seconds, words, temperature)
        if seconds != BAD or temperature >= 0.4:
            return text
        return WindowText("again " * 9, (1,), (), temperature, -0.1, 9.0, 0.0)


async def test_windows_of_several_requests_and_languages_share_a_batch() -> None:
    model = RecordingRecogniser()
    requests = Requests(model)
    asked = [("A", 1, ENGLISH), ("B", 2, GERMAN), ("C", 3, ENGLISH), ("D", 4, ENGLISH)]
    texts = await asyncio.gather(*(requests.ask(*each) for each in asked))
    assert texts == [" w" * seconds for _, seconds, _ in asked]
    assert model.steps == [(0.0, [1, 2, 3, 4])]


async def test_prompts_keep_windows_apart() -> None:
    model = RecordingRecogniser()
    requests = Requests(model)
    prompted = DecodeOptions("en", prompt="Minutes.")
    asked = [("A", 1, ENGLISH), ("B", 2, prompted), ("C", 3, ENGLISH), ("D", 4, prompted)]
    await asyncio.gather(*(requests.ask(*each) for each in asked))
    assert sorted(lengths for _, lengths in model.steps) == [[1, 3], [2, 4]]


async def test_a_newcomer_does_not_wait_for_a_long_recording() -> None:
    gate = threading.Event()
    model = RecordingRecogniser(gate)
    requests = Requests(model)
    long = [asyncio.create_task(requests.ask("long", 30)) for _ in range(8)]
    await asyncio.to_thread(model.has_begun.wait)
    short = asyncio.create_task(requests.ask("short", 5))
    await asyncio.sleep(0.01)
    gate.set()
    await short
    assert [5 in lengths for _, lengths in model.steps] == [False, True]
    await asyncio.gather(*long)


async def test_only_the_bad_window_fails() -> None:
    model = Failing()
    requests = Requests(model)
    results = await asyncio.gather(
        *(requests.ask(owner, seconds) for owner, seconds in (("A", 1), ("B", BAD), ("C", 3))),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert results[::2] == [" w", " w w w"]
    assert [lengths for _, lengths in model.steps] == [[1, BAD, 3], [1], [BAD], [3]]


async def test_windows_of_a_crash_are_tried_alone_and_only_the_one_that_crashes_again_fails() -> None:
    model = Crashing()
    requests = Requests(model, BatchSizes(encode=1, decode=1), lanes=2)
    bad, good = await asyncio.gather(requests.ask("A", BAD), requests.ask("B", 2), return_exceptions=True)
    assert isinstance(bad, ModelCrashedError)
    assert good == " w w"
    assert sorted(lengths for _, lengths in model.steps) == [[2], [2], [BAD], [BAD]]


async def test_two_lanes_work_side_by_side() -> None:
    requests = Requests(Parallel(), BatchSizes(encode=1, decode=1), lanes=2)
    texts = await asyncio.gather(requests.ask("A", 1), requests.ask("B", 2))
    assert tuple(texts) == (" w", " w w")


async def test_a_refused_language_is_the_fault_of_its_own_request() -> None:
    requests = Requests(OnlyEnglish())
    results = await asyncio.gather(
        requests.ask("A", 1, ENGLISH), requests.ask("B", 2, GERMAN), return_exceptions=True
    )
    assert results[0] == " w"
    assert isinstance(results[1], InvalidRequestError)


async def test_when_memory_runs_out_batches_are_halved_for_good() -> None:
    model = OutOfMemory()
    requests = Requests(model, BatchSizes(encode=4, decode=4))
    assert await asyncio.gather(*(requests.ask("A", n) for n in (1, 2, 3, 4))) == [
        " w" * n for n in (1, 2, 3, 4)
    ]
    await asyncio.gather(*(requests.ask("A", n) for n in (5, 6, 7, 8)))
    assert [lengths for _, lengths in model.steps] == [[1, 2, 3, 4], [1, 2], [3, 4], [5, 6], [7, 8]]
    with pytest.raises(ModelFailedError, match="no memory"):
        await requests.ask("A", BAD)


async def test_a_doubtful_window_goes_up_the_temperature_ladder_without_the_others() -> None:
    model = Doubtful()
    requests = Requests(model)
    texts = await asyncio.gather(*(requests.ask("A", seconds) for seconds in (1, BAD, 3)))
    assert texts == [" w" * seconds for seconds in (1, BAD, 3)]
    assert model.steps == [(0.0, [1, BAD, 3]), (0.2, [BAD]), (0.4, [BAD])]


async def test_windows_of_a_cancelled_caller_are_never_run() -> None:
    gate = threading.Event()
    model = RecordingRecogniser(gate)
    requests = Requests(model)
    first = asyncio.create_task(requests.ask("A", 1))
    await asyncio.to_thread(model.has_begun.wait)
    cancelled = [asyncio.create_task(requests.ask("B", 2)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)
    gate.set()
    await first
    assert await requests.ask("C", 3) == " w w w"
    assert model.encoded == [1, 3]


async def test_every_call_ends_when_the_slot_is_closed() -> None:
    gate = threading.Event()
    model = RecordingRecogniser(gate)
    requests = Requests(model)
    tasks = [asyncio.create_task(requests.ask("A", 1)) for _ in range(9)]
    await asyncio.to_thread(model.has_begun.wait)
    closing = asyncio.create_task(asyncio.to_thread(requests.slot.close))
    await asyncio.sleep(0.05)
    gate.set()
    await closing
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=5)
    assert any(isinstance(result, BaseException) for result in results)
