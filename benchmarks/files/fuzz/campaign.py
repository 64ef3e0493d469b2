"""Thousands of damaged files through the server: the cases of a seed, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median, quantiles

from benchmarks.files.fuzz.checks import (
    Check,
    bounded,
    check_equal,
    check_memory,
    check_replies,
    check_table,
)
from benchmarks.files.fuzz.mutations import mutate
from benchmarks.files.fuzz.process_tree import Peaks, TreeMonitor
from benchmarks.files.fuzz.seeds import Seed, long_files
from benchmarks.files.fuzz.server import FuzzServer, fuzz_server
from benchmarks.files.fuzz.traffic import Reply, Upload, health_latencies, send_all
from benchmarks.report import note

GOOD_EVERY = 100  # cases: one file that nothing is done to
SEPARATE_EVERY = 8  # cases: one with SEPARATE
SEPARATE = {"channels": "separate"}
ROUNDS = 2  # of all good files, before memory counts
SHOW_PROGRESS = 500


@dataclass(frozen=True, slots=True)
class Case:
    """`description` names the pair and what was done to its file."""

    upload: Upload
    description: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """`good` are the seeds that the server accepts; one comes unchanged after every 99 damaged files."""

    seeds: Sequence[Seed]
    good: Sequence[Seed]
    seed: int

    def case(self, number: int) -> Case:
        """The same for the same seed and number."""
        rng = Random(f"{self.seed}:{number}")
        if self.is_good(number):
            chosen = rng.choice(self.good)
            return Case(Upload(number, chosen.data, {}), f"{chosen.pair}: unchanged")
        chosen, other = rng.choice(self.seeds), rng.choice(self.seeds)
        data, done = mutate(rng, chosen.data, other.data)
        fields = {} if rng.randrange(SEPARATE_EVERY) else SEPARATE
        return Case(Upload(number, data, fields), f"{chosen.pair}: {done}")

    def is_good(self, number: int) -> bool:
        return bool(self.good) and number % GOOD_EVERY == GOOD_EVERY - 1


@dataclass(frozen=True, slots=True)
class Result:
    campaign: Campaign
    replies: Sequence[Reply]
    latencies: Sequence[float]
    checks: Sequence[Check]
    traceback: str

    @property
    def is_met(self) -> bool:
        return all(check.is_met for check in self.checks)

    def text(self) -> str:
        return "\n\n".join(_paragraphs(self))


def run(seeds: Sequence[Seed], seed: int, numbers: Sequence[int]) -> Result:
    """Sends good files first, then the cases of these numbers."""
    with fuzz_server() as server, TreeMonitor(server.pid) as monitor:
        campaign = Campaign(seeds, _accepted(server, seeds), seed)
        _send_good(server, campaign.good)
        before, left_before = replace(monitor.peaks), server.leftovers()
        monitor.bounds = Peaks(bounded(before.root), bounded(before.child))
        with health_latencies(server.base_url) as latencies:
            uploads = (campaign.case(number).upload for number in numbers)
            replies = _with_progress(send_all(server.base_url, uploads), len(numbers))
        server.wait_until_idle()
        left, peaks, exceeded = server.leftovers_since(left_before), monitor.peaks, monitor.exceeded
        is_running, traceback = server.process.is_running(), server.first_traceback()
    checks = [
        *check_replies(replies, frozenset(filter(campaign.is_good, numbers))),
        check_memory("server", before.root, peaks.root, replies, exceeded),
        check_memory("largest child", before.child, peaks.child, replies, exceeded),
        *(check_equal(name, left_before[name], left[name]) for name in left),
        Check("server at the end", "running", "running" if is_running else "ended", is_running),
    ]
    return Result(campaign, replies, latencies, checks, traceback)


def _accepted(server: FuzzServer, seeds: Sequence[Seed]) -> list[Seed]:
    uploads = (Upload(number, seed.data, {}) for number, seed in enumerate(seeds))
    return [seeds[reply.number] for reply in send_all(server.base_url, uploads) if reply.status == 200]


def _send_good(server: FuzzServer, good: Sequence[Seed]) -> None:
    files = [*long_files(), *(seed.data for seed in good)]
    for _ in range(ROUNDS):
        for fields in ({}, SEPARATE):
            list(send_all(server.base_url, (Upload(n, data, fields) for n, data in enumerate(files))))
    server.wait_until_idle()


def _with_progress(replies: Iterable[Reply], total: int) -> list[Reply]:
    seen = []
    for reply in replies:
        seen.append(reply)
        if len(seen) % SHOW_PROGRESS == 0:
            note(f"{len(seen)} of {total}")
    return seen


def _paragraphs(result: Result) -> Iterator[str]:
    campaign, latencies = result.campaign, result.latencies
    pairs = {seed.pair for seed in campaign.seeds}
    counts = Counter(reply.status for reply in result.replies).most_common()
    answers = ", ".join(f"{count} × {status or 'no answer'}" for status, count in counts)
    yield f"{len(result.replies)} mutants of {len(pairs)} pairs, seed {campaign.seed}: {answers}."
    yield check_table(result.checks)
    if len(latencies) > 1:
        p99 = quantiles(latencies, n=100)[-1]
        figures = f"median {1000 * median(latencies):.0f} ms, p99 {1000 * p99:.0f} ms"
        yield f"`/health` beside them: {figures}, at most {1000 * max(latencies):.0f} ms."
    if refused := sorted(pairs - {seed.pair for seed in campaign.good}):
        yield f"Pairs of which the server accepts no good file: {', '.join(refused)}."
    if result.traceback:
        yield f"The first traceback in the log:\n\n```\n{result.traceback}\n```"
    if lines := [_line(campaign, reply) for reply in result.replies if reply.is_failure]:
        yield "\n".join(lines)


def _line(campaign: Campaign, reply: Reply) -> str:
    case = campaign.case(reply.number)
    return f"- case {reply.number}, {case.description}: {reply.status or reply.detail}"
