"""Live work beside that of files: what comes first, and the lane that is kept for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from options import DecodeOptions
from services.whisper.jobs import Decoding, Encoding, Job
from services.whisper.work_queues import LIVE_IN_A_ROW, BatchSizes, WorkQueues
from tests.batching.batched_requests import ENGLISH, RecordingRecogniser, Requests, window_of
from utils.waiting.fair_queue import Rank

GREEDY = DecodeOptions("en", beam_size=1)
CPU = BatchSizes(encode=1, decode=2)
GPU = BatchSizes(encode=16, decode=16)


@dataclass(eq=False)
class Work:
    """A flow."""

    rank: Rank
    owner: str = ""


class Waiting:
    """Queues, filled with windows by their ranks."""

    def __init__(self, sizes: BatchSizes = CPU, lanes: int = 2) -> None:
        self.queues = WorkQueues(sizes, lanes)

    def encode(self, rank: Rank, count: int = 1) -> None:
        for _ in range(count):
            self.queues.put(Encoding(Work(rank), lambda: window_of(1), ENGLISH))

    def decode(self, rank: Rank) -> None:
        window = RecordingRecogniser().encode([window_of(1)])[0]
        self.queues.put(Decoding(Work(rank), window, ENGLISH, True, False, 0.0))

    def ranks(self, number: int) -> list[Rank]:
        """Those of the next batches, each of which ends before the next begins."""
        found = []
        for _ in range(number):
            with self.queues.batch(16, has_decoded=False) as jobs:
                found.append(jobs[0].flow.rank)
        return found


def kinds(jobs: Sequence[Job[object]]) -> list[tuple[type, Rank]]:
    return [(type(job), job.flow.rank) for job in jobs]


async def test_finals_come_before_first_steps_before_steps_before_files() -> None:
    waiting = Waiting()
    for rank in (Rank.FILE, Rank.ABANDONED, Rank.STEP, Rank.FINAL, Rank.FIRST_STEP):
        waiting.encode(rank)
    assert waiting.ranks(5) == sorted(Rank)


async def test_what_is_encoded_for_a_live_turn_waits_for_nothing_that_files_encode() -> None:
    waiting = Waiting()
    waiting.encode(Rank.FILE)
    waiting.encode(Rank.STEP)
    waiting.decode(Rank.STEP)
    with waiting.queues.batch(16, has_decoded=True) as jobs:
        assert kinds(jobs) == [(Decoding, Rank.STEP)]
    with waiting.queues.batch(16, has_decoded=True) as jobs:
        assert kinds(jobs) == [(Encoding, Rank.STEP)]


async def test_the_bound_on_the_encoded_windows_of_files_holds_back_no_live_turn() -> None:
    waiting = Waiting()
    for _ in range(2 * CPU.in_flight(2)):
        waiting.decode(Rank.FILE)
    waiting.encode(Rank.STEP)
    assert waiting.ranks(1) == [Rank.STEP]


async def test_live_turns_take_no_room_from_the_encoded_windows_of_files() -> None:
    waiting = Waiting()
    for _ in range(2 * LIVE_IN_A_ROW + 2 * CPU.in_flight(2)):
        waiting.decode(Rank.STEP)
    waiting.ranks(LIVE_IN_A_ROW)
    waiting.encode(Rank.FILE)
    with waiting.queues.batch(16, has_decoded=False) as jobs:
        assert kinds(jobs) == [(Encoding, Rank.FILE)]


async def test_files_get_their_share_beside_any_number_of_live_turns() -> None:
    waiting = Waiting()
    waiting.encode(Rank.FILE, 2)
    waiting.encode(Rank.FINAL, 40)
    ranks = waiting.ranks(20)
    assert [n for n, rank in enumerate(ranks) if rank is Rank.FILE] == [LIVE_IN_A_ROW, 2 * LIVE_IN_A_ROW + 1]


@pytest.mark.parametrize("rank", [Rank.FILE, Rank.ABANDONED])
async def test_in_a_live_turn_files_leave_one_lane_free(rank: Rank) -> None:
    waiting = Waiting(lanes=3)
    waiting.encode(rank, 5)
    with waiting.queues.in_turn(), waiting.queues.batch(16, False), waiting.queues.batch(16, False):
        assert waiting.queues.next_rank is None
        waiting.encode(Rank.STEP)
        assert waiting.ranks(1) == [Rank.STEP]
    with waiting.queues.batch(16, False), waiting.queues.batch(16, False):
        assert waiting.queues.next_rank is rank


async def test_with_one_lane_the_batches_of_files_are_half_as_large_in_a_live_turn() -> None:
    waiting = Waiting(GPU, lanes=1)
    waiting.encode(Rank.FILE, 32)
    sizes = []
    for _ in range(2):
        with waiting.queues.in_turn(), waiting.queues.batch(16, False) as jobs:
            sizes.append(len(jobs))
    with waiting.queues.batch(16, False) as jobs:
        sizes.append(len(jobs))
    assert sizes == [8, 8, 16]


@dataclass(eq=False)
class Gated(RecordingRecogniser):
    """Every decoding of a file is held at a gate."""

    opened: threading.Event = field(default_factory=threading.Event)
    both_are_held: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__()

    def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
        if GREEDY not in options:
            if len(self.steps) == 2:
                self.both_are_held.set()
            self.opened.wait(10)


async def test_a_live_step_runs_beside_a_burst_of_files_that_go_on_after_the_turn() -> None:
    model = Gated()
    requests = Requests(model, CPU, lanes=2)
    with requests.batcher.in_turn():
        files = [asyncio.create_task(requests.ask(str(n), 30)) for n in range(8)]
        assert not await asyncio.to_thread(model.both_are_held.wait, 0.05)
        step = Work(Rank.STEP)
        encoded = await requests.batcher.encode(step, lambda: window_of(2), GREEDY)
        text = await requests.batcher.decode(step, encoded, GREEDY, words=True, retries=False)
        assert text.text == " w w"
        assert not any(file.done() for file in files)
    model.opened.set()
    assert await asyncio.gather(*files) == [" w" * 30] * 8


async def test_files_that_were_held_back_begin_when_the_turn_ends() -> None:
    """Both lanes decode at once only then."""
    both = threading.Barrier(2)

    class Pair(RecordingRecogniser):
        def check(self, lengths: Sequence[int], options: Sequence[DecodeOptions]) -> None:
            both.wait(10)

    model = Pair()
    requests = Requests(model, BatchSizes(encode=1, decode=1), lanes=2)
    with requests.batcher.in_turn():
        files = [asyncio.create_task(requests.ask(str(n), n + 1)) for n in range(2)]
        await asyncio.to_thread(model.has_begun.wait)
    assert await asyncio.gather(*files) == [" w", " w w"]
