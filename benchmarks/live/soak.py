"""Hundreds of live sessions that come, talk, break off rudely, send rubbish or never read: what is left."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psutil
from websockets.asyncio.client import connect

from benchmarks.eval_set import read_conversations
from benchmarks.live.behaviours import BEHAVIOURS, outcome
from benchmarks.live.excerpts import RATE, Pcm, whole
from benchmarks.live.player import realtime_url
from benchmarks.report import note, table
from benchmarks.server_process import SERVER, ServerProcess
from benchmarks.values import Options

TITLE = "Live: soak"

SESSIONS, QUICK_SESSIONS = 300, 60
WARM_UP = 40  # sessions before the server is first measured
AT_ONCE = 8
LIMIT = 10  # LIVE_SESSIONS
CLIP_SECONDS = (0.5, 4.0)
SETTLED_SECONDS = 20.0  # in which all that sessions hold must be given back
MEGABYTE = 1_000_000
LOG_PART = 3000  # characters of the log shown from each traceback on
SEED = 1

METHOD = f"""\
Sessions from {AT_ONCE} concurrent clients (`benchmarks/live/behaviours.py`) to one server with Whisper
tiny.en: excerpts of a conversation in real time, with and without speakers, or all at once; clients that
break off amid speech or the handshake, send rubbish, or never read. Measured after {WARM_UP} sessions and at
the end: resident memory, descriptors and threads of the server and its children. At last {LIMIT} sessions, as
many as `LIVE_SESSIONS` allows, are opened at once; had one been left, there would be no room for all."""


@dataclass(frozen=True, slots=True)
class State:
    rss: int
    descriptors: int
    threads: int


def measure(options: Options) -> str:
    number = QUICK_SESSIONS if options.quick else SESSIONS
    clips = _clips(whole(read_conversations(options.eval_dir, with_long=False)[-2]).pcm)
    settings = {"WHISPER_MODEL": "whisper-tiny.en", "LIVE_SESSIONS": str(LIMIT)}
    with ServerProcess.running(SERVER, False, **settings) as server:
        outcomes = asyncio.run(_send(server.base_url, clips, WARM_UP, SEED))
        before = asyncio.run(_settled(server))
        note(str(before))
        outcomes += asyncio.run(_send(server.base_url, clips, number - WARM_UP, SEED + 1))
        after = asyncio.run(_settled(server))
        room = asyncio.run(_open_all(server.base_url))
        log = server.log()
    _, *tracebacks = log.split("Traceback")
    note("\n".join(text[:LOG_PART] for text in tracebacks))
    rows = [(name, end, count) for (name, end), count in sorted(outcomes.items())]
    return "\n\n".join(
        [
            METHOD,
            table(("session", "outcome", "count"), rows),
            *_summary(outcomes, before, after, room, len(tracebacks)),
        ]
    )


def _clips(pcm: Pcm) -> list[Pcm]:
    rng = random.Random(SEED)
    lengths = [round(rng.uniform(*CLIP_SECONDS) * RATE) for _ in range(AT_ONCE * 4)]
    starts = [rng.randrange(len(pcm) - length) for length in lengths]
    return [pcm[start : start + length] for start, length in zip(starts, lengths, strict=True)]


async def _send(base_url: str, clips: Sequence[Pcm], number: int, seed: int) -> Counter[tuple[str, str]]:
    rng = random.Random(seed)
    jobs = iter([(rng.choice(list(BEHAVIOURS)), rng.choice(clips)) for _ in range(number)])
    outcomes: Counter[tuple[str, str]] = Counter()

    async def client() -> None:
        for name, clip in jobs:
            outcomes[name, await outcome(BEHAVIOURS[name], base_url, clip)] += 1

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return outcomes


async def _settled(server: ServerProcess) -> State:
    await asyncio.sleep(SETTLED_SECONDS)
    parent = psutil.Process(server.pid)
    processes = [parent, *parent.children(recursive=True)]
    return State(
        server.rss(),
        sum(process.num_fds() for process in processes),
        sum(process.num_threads() for process in processes),
    )


async def _open_all(base_url: str) -> int:
    """How many sessions can be open at once, up to the limit."""
    async with AsyncExitStack() as sessions:
        for opened in range(LIMIT):
            try:
                await sessions.enter_async_context(connect(realtime_url(base_url)))
            except OSError:
                return opened
        return LIMIT


def _summary(
    outcomes: Counter[tuple[str, str]], before: State, after: State, room: int, errors: int
) -> Iterable[str]:
    failed = sum(n for (_, end), n in outcomes.items() if end.startswith("5") or end == "closed 1011")
    silent = sum(n for (_, end), n in outcomes.items() if end == "no answer")
    yield (
        f"{outcomes.total()} sessions: {failed} answered 5xx or closed 1011, {silent} without an answer;"
        f" {errors} tracebacks in the log; {room} of {LIMIT} sessions open at once afterwards."
    )
    yield (
        f"After {WARM_UP} sessions and at the end: memory {before.rss / MEGABYTE:.0f} and"
        f" {after.rss / MEGABYTE:.0f} MB (ratio {after.rss / before.rss:.3f}), descriptors"
        f" {before.descriptors} and {after.descriptors}, threads {before.threads} and {after.threads}."
    )
