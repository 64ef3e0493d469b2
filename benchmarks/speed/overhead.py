"""Overhead of everything but the recogniser: a request compared with a direct call of the same pipeline and
with the recogniser alone on the same windows."""

from __future__ import annotations

from statistics import median

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Overhead"

FILE = "conv4_en_a"
RUNS = 5

METHOD = """\
The same recording in turn over HTTP (`json`, no diarization), through the server's pipeline called directly
in another process (from file to text), and as the same windows passed directly to CTranslate2 with the same
concurrency (`benchmarks/speed/windows.py`). A first run of each is not measured."""

HEADER = ("run", "HTTP s", "pipeline s", "windows s")


def measure(options: Options) -> str:
    recording = _recording(options)
    with (
        serving(options.base_url) as base_url,
        Worker("benchmarks.speed.direct") as pipeline,
        Worker("benchmarks.speed.windows") as windows,
    ):
        client = Client(base_url)
        runs = [_time(recording, client, pipeline, windows) for _ in range(RUNS + 1)][1:]
    medians = [median(times) for times in zip(*runs, strict=True)]
    rows = [(name, *(f"{time:.2f}" for time in times)) for name, times in enumerate(runs, start=1)]
    over_http, direct, alone = medians
    summary = (
        f"`{recording.uri}`, {recording.seconds:.0f} s of audio. HTTP / pipeline = {over_http / direct:.3f}, "
        f"HTTP / windows = {over_http / alone:.3f}; real-time factor {over_http / recording.seconds:.3f}."
    )
    last = ("**median**", *(f"{time:.2f}" for time in medians))
    return "\n\n".join([METHOD, table(HEADER, [*rows, last]), summary])


def _recording(options: Options) -> Conversation:
    recordings = read_conversations(options.eval_dir, with_long=False)
    return next(recording for recording in recordings if recording.uri == FILE)


def _time(
    recording: Conversation, client: Client, pipeline: Worker, windows: Worker
) -> tuple[float, float, float]:
    over_http = client.transcribe(recording.audio, language=recording.language).seconds
    direct = pipeline.request(audio=str(recording.audio), language=recording.language).seconds
    alone = windows.request(audio=str(recording.audio), language=recording.language).seconds
    note(f"{recording.uri}: HTTP {over_http:.2f} s, pipeline {direct:.2f} s, windows {alone:.2f} s")
    return over_http, direct, alone
