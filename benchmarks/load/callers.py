"""Many callers at once, and a short clip beside a long recording, compared with one lock around the model."""

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
from models import SAMPLE_RATE

TITLE = "Many callers"

SOURCE, LONG = "conv12_en_turns", "long_en_5spk"
CALLERS = (1, 4, 16, 32)
CLIP_SECONDS = 10
FEWEST_CLIPS = 8  # of a row
SHORT_RUNS = 5
START_SECONDS = 5  # until the long recording is decoded in part and under way
PATIENCE = 300.0  # seconds for a clip beside the long recording
BARE = ("-m", "benchmarks.load.bare_server")

METHOD = f"""\
{CLIP_SECONDS}-second clips, all different, cut out of `{SOURCE}` (`json`, language given, no speakers). Each
caller posts one after the other, two each and {FEWEST_CLIPS} at least. The server; the same with batches of
one window (`WHISPER_BATCH_SIZE=1`); faster-whisper behind one lock in a minimal app
(`benchmarks/load/bare_server.py`), same weights, threads and beam. One server at a time, one unmeasured clip
first."""

FAIRNESS = f"""\
The same clips, {SHORT_RUNS} posted one after the other to the idle server and as many while it works on
`{LONG}`, over an hour (`json`, no speakers). A clip that is not answered in {PATIENCE:.0f} s is the last."""


@dataclass(frozen=True, slots=True)
class Row:
    """What `callers` at once saw."""

    callers: int
    speed: float  # seconds of audio a second
    latencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One server's rows, and its latencies idle and beside the long recording."""

    rows: tuple[Row, ...]
    idle: tuple[float, ...]
    busy: tuple[float, ...]


def measure(options: Options) -> str:
    recordings = {item.uri: item for item in read_conversations(options.eval_dir)}
    with tempfile.TemporaryDirectory() as folder:
        clips = _cut(recordings[SOURCE].audio, Path(folder))
        run = partial(_run, clips, recordings[LONG])
        ours = run(WHISPER_BATCH_SIZE="0")
        alone = run(WHISPER_BATCH_SIZE="1")
        bare = run(BARE)
    runs = {"server": ours, "batches of one": alone, "faster-whisper, one lock": bare}
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
        return Run(rows, idle, tuple(_beside(server.base_url, clips, work)))


def _row(base_url: str, clips: list[Path], callers: int) -> Row:
    count = max(2 * callers, FEWEST_CLIPS)
    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        latencies = tuple(pool.map(partial(_post, base_url), _repeated(clips, count)))
    seconds = time.perf_counter() - started
    note(f"{callers} callers: {count} clips in {seconds:.1f} s")
    return Row(callers, count * CLIP_SECONDS / seconds, latencies)


def _beside(base_url: str, clips: list[Path], work: Future[Answer]) -> Iterator[float]:
    """Latencies while the `work` goes on; its end is not awaited."""
    for clip in clips[:SHORT_RUNS]:
        if work.done():
            raise RuntimeError(f"the long recording is no longer under way: {work.result()}")
        try:
            yield _post(base_url, clip, PATIENCE)
        except httpx.ReadTimeout:
            yield PATIENCE
            return


def _post(base_url: str, clip: Path, timeout: float | None = None) -> float:
    return Client(base_url, timeout).transcribe(clip, language="en").seconds


def _cut(audio: Path, folder: Path) -> list[Path]:
    """Clips of the recording, one every two seconds, as WAV files."""
    samples = read_audio(audio)
    length, paths = CLIP_SECONDS * SAMPLE_RATE, []
    for start in range(0, len(samples) - length, 2 * SAMPLE_RATE):
        path = folder / f"{start}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes((samples[start : start + length] * 32767).astype("<i2").tobytes())
        paths.append(path)
    return paths


def _repeated(clips: list[Path], count: int) -> list[Path]:
    """Those far apart first: what two clips share they would share in no real load."""
    order = np.argsort(np.arange(len(clips)) % 5, kind="stable")
    return [clips[order[n % len(clips)]] for n in range(count)]


def _throughput(runs: dict[str, Run], bare: Run) -> str:
    rows = []
    for name, run in runs.items():
        for row, other in zip(run.rows, bare.rows, strict=True):
            p95 = quantiles(row.latencies, n=20)[-1]
            figures = (f"{row.speed:.1f}", f"{row.speed / other.speed:.2f}")
            rows.append((name, row.callers, *figures, f"{median(row.latencies):.1f}", f"{p95:.1f}"))
    return table(("", "callers", "audio s / s", "to one lock", "median s", "95 % s"), rows)


def _fairness(runs: dict[str, Run]) -> str:
    rows = [(name, *_waits(median(run.idle), median(run.busy))) for name, run in runs.items()]
    return table(("", "idle s", "beside the long one s", "ratio"), rows)


def _waits(idle: float, busy: float) -> tuple[str, str, str]:
    over = "over " if busy >= PATIENCE else ""
    return f"{idle:.2f}", f"{over}{busy:.2f}", f"{over}{busy / idle:.1f}"
