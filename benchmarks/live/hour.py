"""One live session of an hour: whether it falls behind or grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.eval_set import read_conversations
from benchmarks.live.excerpts import Excerpt, whole
from benchmarks.live.measures import Said, lags, p50_p90
from benchmarks.live.scores import by_file
from benchmarks.live.systems import Server, Session
from benchmarks.live.told import Told
from benchmarks.report import percent, table
from benchmarks.server_process import ServerProcess
from benchmarks.text_scores import count_errors
from benchmarks.values import Options

TITLE = "Live: an hour"

SOURCE = "long_en_5spk"
SECONDS, QUICK_SECONDS = 3600.0, 120.0
PART = 300.0  # seconds, of which the first and the last are compared
MEGABYTE = 1_000_000
EVERY = 10.0  # seconds between two measurements of memory

METHOD = f"""\
The first hour of `{SOURCE}` (five speakers, pauses of 30 and 60 s) in one session with live speakers, in real
time. `word`: of words told for good, after they were said, p50 / p90 in seconds. Memory is that of the server
and its children, in MB, at the ends of the first and of the last part."""


@dataclass(frozen=True, slots=True)
class Memory:
    at: float
    size: int


def measure(options: Options) -> str:
    (source,) = (item for item in read_conversations(options.eval_dir) if item.uri == SOURCE)
    talk = whole(source, QUICK_SECONDS if options.quick else SECONDS)
    with Server.running() as process:
        (session,), memory = asyncio.run(_session(Server(process, diarize=True), [talk], process))
        known = by_file(process.base_url, talk)
    part = min(PART, talk.seconds / 2)
    ends = [(0.0, part), (talk.seconds - part, talk.seconds)]
    rows = [
        (f"{start:.0f} to {end:.0f} s", _word_lags(known.said, session.told, start, end), _at(memory, end))
        for start, end in ends
    ]
    errors = count_errors(talk.text, session.text, talk.language)
    rates = f"WER {percent(errors.rate)}; by file {percent(known.errors.rate)}."
    return "\n\n".join([METHOD, table(("", "word", "MB"), rows), rates])


async def _session(
    server: Server, talk: Sequence[Excerpt], process: ServerProcess
) -> tuple[Sequence[Session], list[Memory]]:
    """What was told, and the memory meanwhile."""
    started, memory = time.monotonic(), []
    run = asyncio.create_task(asyncio.to_thread(server.run, talk))
    while not run.done():
        memory.append(Memory(time.monotonic() - started, process.rss()))
        await asyncio.wait([run], timeout=EVERY)
    return run.result().sessions, memory


def _word_lags(said: Sequence[Said], told: Sequence[Told], start: float, end: float) -> str:
    """Of the words that were said in this part; their deltas cannot come much later."""
    own = [word for word in said if start <= word.start < end]
    near = [word for word in told if start <= word.at < end + PART]
    return p50_p90(lags(own, near).word)


def _at(memory: Sequence[Memory], at: float) -> str:
    size = min(memory, key=lambda each: abs(each.at - at)).size
    return f"{size / MEGABYTE:.0f}"
