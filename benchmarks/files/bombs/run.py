"""Sends each bomb to a fresh server, then the costliest together beside a good file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.files.bombs import elementary, isobmff, matroska, riff, streams
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.fuzz.checks import Check, check_equal
from benchmarks.files.fuzz.process_tree import TreeMonitor, total_memory
from benchmarks.files.fuzz.server import fuzz_server
from benchmarks.files.fuzz.traffic import Reply, send_one
from benchmarks.files.pairs import Pair
from benchmarks.report import note, table
from models import SAMPLE_RATE

MAX_SECONDS = 3.0
MAX_EXTRA_MEMORY = 150 * 2**20
AT_ONCE = 8
MODULES = (matroska, isobmff, riff, elementary, streams)

BOMBS: dict[str, Callable[[], bytes]] = {
    f"{module.__name__.rpartition('.')[2]}.{bomb.__name__}": bomb
    for module in MODULES
    for bomb in module.BOMBS
}

HEADER = ("bomb", "bytes", "answer", "seconds", "more memory, MiB", "disk, MiB", "")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a bomb cost: `memory` is the peak of all processes above what they held before, in bytes, as
    `disk` is of the workspaces."""

    name: str
    size: int
    reply: Reply
    memory: int
    disk: int
    left: tuple[Check, ...]

    @property
    def is_met(self) -> bool:
        is_cheap = self.reply.seconds <= MAX_SECONDS and self.memory <= MAX_EXTRA_MEMORY
        return is_cheap and not self.reply.is_failure and all(check.is_met for check in self.left)


@dataclass(frozen=True, slots=True)
class Result:
    costs: Sequence[Cost]
    beside: Sequence[Reply]
    alone: float

    @property
    def is_met(self) -> bool:
        is_fast = all(reply.status == 200 and reply.seconds <= MAX_SECONDS for reply in self.beside)
        return is_fast and all(one.is_met for one in self.costs)

    def text(self) -> str:
        slowest = max((reply.seconds for reply in self.beside), default=0.0)
        answered = sum(reply.status == 200 for reply in self.beside)
        together = (
            f"A good second of speech, again and again beside the {AT_ONCE} slowest at once: {answered} of"
            f" {len(self.beside)} answered, at most {slowest:.1f} s; {self.alone:.2f} s alone."
        )
        return "\n\n".join([table(HEADER, map(_row, self.costs)), together])


def run(names: Iterable[str]) -> Result:
    costs = []
    for name in names:
        costs.append(_send_alone(name))
        note(" ".join(map(str, _row(costs[-1]))))
    slowest = sorted(costs, key=lambda one: one.reply.seconds, reverse=True)[:AT_ONCE]
    alone, beside = _together([BOMBS[one.name]() for one in slowest])
    return Result(costs, beside, alone)


def good_second() -> bytes:
    return encode(read_speech()[SAMPLE_RATE : 2 * SAMPLE_RATE], Pair("flac", "flac", SAMPLE_RATE))


def _send_alone(name: str) -> Cost:
    data = BOMBS[name]()
    with fuzz_server() as server:
        send_one(server.base_url, good_second())
        server.wait_until_idle()
        before, left_before = total_memory(server.pid), server.leftovers()
        with TreeMonitor(server.pid, server.folder) as monitor:
            reply = send_one(server.base_url, data)
        server.wait_until_idle()
        after = server.leftovers_since(left_before)
        left = tuple(check_equal(key, left_before[key], after[key]) for key in after)
    extra = max(0, monitor.peaks.total - before)
    return Cost(name, len(data), reply, extra, monitor.peaks.disk, left)


def _together(files: Sequence[bytes]) -> tuple[float, list[Reply]]:
    good = good_second()
    with fuzz_server() as server, ThreadPoolExecutor(AT_ONCE) as pool:
        send_one(server.base_url, good)
        alone = send_one(server.base_url, good).seconds
        bad = [pool.submit(send_one, server.base_url, data) for data in files]
        beside = []
        while not all(future.done() for future in bad):
            beside.append(send_one(server.base_url, good))
            time.sleep(0.05)
    return alone, beside


def _row(cost: Cost) -> tuple[object, ...]:
    reply = cost.reply
    left = ", ".join(f"{check.measured} {check.name}" for check in cost.left if not check.is_met)
    verdict = "met" if cost.is_met else f"BROKEN {left}".strip()
    sizes = (round(size / 2**20) for size in (cost.memory, cost.disk))
    return (
        cost.name,
        cost.size,
        reply.status or reply.detail,
        f"{reply.seconds:.1f}",
        *sizes,
        verdict,
    )
