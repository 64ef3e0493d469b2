"""Response times while the server transcribes a long recording."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median, quantiles

import httpx

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.report import table
from benchmarks.server_process import serving
from benchmarks.values import Answer, Options

TITLE = "Latency under load"

LONG, SHORT = "conv6_en_a", "picovoice_leopard"
POLLS_PER_SECOND = 20
SHORT_RUNS = 5

METHOD = f"""\
`/health` is polled {POLLS_PER_SECOND} times a second, from a separate process, while the server transcribes
`{LONG}` with speakers. `{SHORT}` (`json`) is posted {SHORT_RUNS} times to the idle server and {SHORT_RUNS}
times while it transcribes the long recording."""


def measure(options: Options) -> str:
    recordings = {item.uri: item for item in read_conversations(options.eval_dir, with_long=False)}
    with serving(options.base_url) as base_url, ThreadPoolExecutor(1) as pool:
        client = Client(base_url)

        def start_long() -> Future[Answer]:
            long = recordings[LONG]
            return pool.submit(Client(base_url).transcribe_speakers, long.audio, language=long.language)

        idle = [_short(client, recordings[SHORT]) for _ in range(SHORT_RUNS)]
        health = _poll(base_url, start_long())
        busy = _while_busy(start_long(), lambda: _short(client, recordings[SHORT]))
    cuts = quantiles(health, n=20)
    rows = [
        (
            "`/health`, busy",
            len(health),
            *(f"{1000 * x:.1f} ms" for x in (median(health), cuts[-1], max(health))),
        ),
        (f"`{SHORT}`, idle", len(idle), f"{median(idle):.2f} s", "", f"{max(idle):.2f} s"),
        (f"`{SHORT}`, busy", len(busy), f"{median(busy):.2f} s", "", f"{max(busy):.2f} s"),
    ]
    return f"{METHOD}\n\n" + table(("request", "count", "median", "p95", "max"), rows)


def _short(client: Client, recording: Conversation) -> float:
    return client.transcribe(recording.audio, language=recording.language).seconds


def _poll(base_url: str, work: Future[Answer]) -> list[float]:
    """Response times in seconds until `work` is done."""
    times: list[float] = []
    with httpx.Client(base_url=base_url) as http:
        while not work.done():
            started = time.perf_counter()
            http.get("/health").raise_for_status()
            times.append(time.perf_counter() - started)
            time.sleep(1 / POLLS_PER_SECOND)
    work.result()
    return times


def _while_busy(work: Future[Answer], request: Callable[[], float]) -> list[float]:
    times: list[float] = []
    while len(times) < SHORT_RUNS and not work.done():
        times.append(request())
    work.result()
    return times
