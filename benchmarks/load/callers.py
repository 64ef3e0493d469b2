"""Concurrent callers, and short clips during a long transcription, against one lock around the model."""

from __future__ import annotations

import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import httpx
import numpy as np

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_audio, read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.values import Answer, Options
from models import SAMPLE_RATE, Audio

TITLE = "Concurrent callers"

SOURCE, LONG = "conv12_en_turns", "long_en_5spk"
CALLERS = (1, 4, 16, 32)
CLIP_SECONDS = 10
MIN_CLIPS = 8  # per row
SHORT_RUNS = 5
START_SECONDS = 5  # until the long recording is partly decoded and being transcribed
CLIP_TIMEOUT = 300.0  # seconds, during the long transcription
BARE = ("-m", "benchmarks.load.bare_server")

METHOD = f"""\
{CLIP_SECONDS}-second clips, all different, cut from `{SOURCE}` (`json`, language given, no speakers). Each
caller posts its clips one after another: two per caller, at least {MIN_CLIPS} in total. Compared are the
server, the server with batches of one window (`WHISPER_BATCH_SIZE=1`), and faster-whisper behind one lock in
a minimal app (`benchmarks/load/bare_server.py`) with the same weights, threads and beam size. The servers run
one at a time, each after one unmeasured clip."""

FAIRNESS = f"""\
The same clips: {SHORT_RUNS} posted one after another to the idle server, and {SHORT_RUNS} while it
transcribes `{LONG}`, over an hour of audio (`json`, no speakers). The first clip not answered within
{CLIP_TIMEOUT:.0f} s is the last."""


@dataclass(frozen=True, slots=True)
class Row:
    """Throughput and latencies with `callers` concurrent callers."""

    callers: int
    speed: float  # seconds of audio per second
    latencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One server's rows, and its latencies when idle and during the long transcription."""

    rows: tuple[Row, ...]
    idle: tuple[float, ...]
    busy: tuple[float, ...]


def measure(options: Options) -> str:
    recordings = {item.uri: item for item in read_conversations(options.eval_dir)}
    with tempfile.TemporaryDirectory() as folder:
        clips = _cut(recordings[SOURCE].audio, Path(folder))
        run = partial(_run, clips, recordings[LONG])
        ours = run(WHISPER_BATCH_SIZE="0")
        unbatched = run(WHISPER_BATCH_SIZE="1")
        bare = run(BARE)
    runs = {"server": ours, "batches of one": unbatched, "faster-whisper, one lock": bare}
    return "\n\n".join([METHOD, _throughput(runs, bare), FAIRNESS, _fairness(runs)])


def _run(
    clips: list[Path], long: Conversation, program: tuple[str, ...] = ("server.py",), **settings: str
) -> Run:
    with ThreadPoolExecutor(1) as pool, ServerProcess.running(program, False, **settings) as server:
        _post(server.base_url, clips[-1])
        rows = tuple(_row(server.base_url, clips, callers) for callers in CALLERS)
        idle = tuple(_post(server.base_url, clip) for clip in clips[:SHORT_RUNS])
        work = pool.submit(Client(server.base_url).transcribe, long.audio, language=long.language)
        time.sleep(START_SECONDS)
        return Run(rows, idle, tuple(_latencies_during(server.base_url, clips, work)))


def _row(base_url: str, clips: list[Path], callers: int) -> Row:
    count = max(2 * callers, MIN_CLIPS)
    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        latencies = tuple(pool.map(partial(_post, base_url), _spread(clips, count)))
    seconds = time.perf_counter() - started
    note(f"{callers} callers: {count} clips in {seconds:.1f} s")
    return Row(callers, count * CLIP_SECONDS / seconds, latencies)


def _latencies_during(base_url: str, clips: list[Path], work: Future[Answer]) -> Iterator[float]:
    """Latencies during the long transcription, `work`, without waiting for its end."""
    for clip in clips[:SHORT_RUNS]:
        if work.done():
            raise RuntimeError(f"the long transcription ended too early: {work.result()}")
        try:
            yield _post(base_url, clip, CLIP_TIMEOUT)
        except httpx.ReadTimeout:
            yield CLIP_TIMEOUT
            return


def _post(base_url: str, clip: Path, timeout: float | None = None) -> float:
    return Client(base_url, timeout).transcribe(clip, language="en").seconds


def _cut(audio: Path, folder: Path) -> list[Path]:
    """Clips of the recording, one every two seconds, as WAV files."""
    samples = read_audio(audio)
    length, paths = CLIP_SECONDS * SAMPLE_RATE, []
    for start in range(0, len(samples) - length, 2 * SAMPLE_RATE):
        paths.append(folder / f"{start}.wav")
        write_clip(paths[-1], samples[start : start + length])
    return paths


def write_clip(path: Path, samples: Audio) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def _spread(clips: list[Path], count: int) -> list[Path]:
    """`count` clips, with overlapping ones far apart, since real requests would not share audio."""
    order = np.argsort(np.arange(len(clips)) % 5, kind="stable")
    return [clips[order[n % len(clips)]] for n in range(count)]


def _throughput(runs: dict[str, Run], bare: Run) -> str:
    rows = []
    for name, run in runs.items():
        for row, other in zip(run.rows, bare.rows, strict=True):
            p95 = quantiles(row.latencies, n=20)[-1]
            figures = (f"{row.speed:.1f}", f"{row.speed / other.speed:.2f}")
            rows.append((name, row.callers, *figures, f"{median(row.latencies):.1f}", f"{p95:.1f}"))
    return table(("", "callers", "audio s / s", "vs. one lock", "median s", "p95 s"), rows)


def _fairness(runs: dict[str, Run]) -> str:
    rows = [(name, *_latency_cells(median(run.idle), median(run.busy))) for name, run in runs.items()]
    return table(("", "idle s", "during long job s", "ratio"), rows)


def _latency_cells(idle: float, busy: float) -> tuple[str, str, str]:
    over = "over " if busy >= CLIP_TIMEOUT else ""
    return f"{idle:.2f}", f"{over}{busy:.2f}", f"{over}{busy / idle:.1f}"
