"""How many encoded windows the server holds at once, however many requests there are."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Sequence

import pytest

from options import DecodeOptions
from seams import EncodedWindow, WindowFeatures
from services.whisper.work_queues import BatchSizes
from tests.batching.batched_requests import ENGLISH, RecordingRecogniser, Requests

GPU = BatchSizes(encode=16, decode=16)
CALLERS, WINDOWS = 32, 24


class Weighing(RecordingRecogniser):
    """Counts the encoded windows that exist."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        super().__init__(gate)
        self.alive = self.most = 0

    def encode(self, windows: Sequence[WindowFeatures]) -> list[EncodedWindow]:
        encoded = super().encode(windows)
        for window in encoded:
            weakref.finalize(window.states, self._count, -1)
        self._count(len(encoded))
        return encoded

    def _count(self, change: int) -> None:
        self.alive += change
        self.most = max(self.most, self.alive)


def options(caller: int, kind: str) -> DecodeOptions:
    return DecodeOptions("en", prompt=f"Minutes {caller}.") if kind == "different" else ENGLISH


@pytest.mark.parametrize(
    ("kind", "sizes", "lanes"),
    [
        ("equal", GPU, 1),
        ("different", GPU, 1),
        ("equal", BatchSizes(), 2),
        ("different", BatchSizes(2, 2), 2),
    ],
)
async def test_encoded_windows_have_one_bound_and_batches_are_full(
    kind: str, sizes: BatchSizes, lanes: int
) -> None:
    model = Weighing()
    requests = Requests(model, sizes, lanes)
    asked = (
        requests.ask(str(caller), 1, options(caller, kind))
        for caller in range(CALLERS)
        for _ in range(WINDOWS)
    )
    await asyncio.gather(*asked)
    assert model.most <= sizes.in_flight(lanes) + lanes * sizes.decode
    batches = [len(lengths) for _, lengths in model.steps]
    assert sum(batches) / len(batches) > 0.7 * sizes.decode


async def test_abandoned_windows_leave_room_for_the_batches_of_others() -> None:
    gate = threading.Event()
    model = Weighing(gate)
    requests = Requests(model, GPU)
    abandoned = [
        asyncio.create_task(requests.ask(f"left {caller}", 1, options(caller, "different")))
        for caller in range(CALLERS)
    ]
    await asyncio.to_thread(model.has_begun.wait)
    for caller in range(CALLERS):
        requests.flow(f"left {caller}").is_abandoned = True
    others = [asyncio.create_task(requests.ask(str(caller), 2)) for caller in range(CALLERS)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*others)
    lengths = [lengths for _, lengths in model.steps]
    assert [2] * 16 in lengths
    assert sum(batch == [1] for batch in lengths) <= 4
    await asyncio.gather(*abandoned)
    assert model.most <= 2 * GPU.in_flight(1) + GPU.decode
