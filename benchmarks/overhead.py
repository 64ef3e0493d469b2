"""What HTTP, the queue and the answer cost: a request beside the same pipeline called directly."""

from __future__ import annotations

from statistics import median

from benchmarks.client import Client
from benchmarks.eval_set import Conversation, read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Overhead of HTTP"

FILE = "conv4_en_a"
PAIRS = 5

METHOD = """\
The same recording in turn over HTTP (`json`, no diarization) and through the server's own pipeline
called directly in another process, from the file to the text; one of each unmeasured first."""

HEADER = ("run", "HTTP s", "direct s")


def measure(options: Options) -> str:
    recording = _recording(options)
    with serving(options.base_url) as base_url, Worker("benchmarks.direct") as pipeline:
        client = Client(base_url)
        pairs = [_time_pair(recording, client, pipeline) for _ in range(PAIRS + 1)][1:]
    over_http, direct = (median(times) for times in zip(*pairs, strict=True))
    rows = [(i, f"{first:.2f}", f"{second:.2f}") for i, (first, second) in enumerate(pairs, start=1)]
    rows_and_median = [*rows, ("**median**", f"{over_http:.2f}", f"{direct:.2f}")]
    summary = (
        f"`{recording.uri}`, {recording.seconds:.0f} s of audio. HTTP / direct = {over_http / direct:.3f}; "
        f"real-time factor over HTTP {over_http / recording.seconds:.3f}."
    )
    return "\n\n".join([METHOD, table(HEADER, rows_and_median), summary])


def _recording(options: Options) -> Conversation:
    recordings = read_conversations(options.eval_dir, with_long=False)
    return next(recording for recording in recordings if recording.uri == FILE)


def _time_pair(recording: Conversation, client: Client, pipeline: Worker) -> tuple[float, float]:
    over_http = client.transcribe(recording.audio, language=recording.language).seconds
    direct = pipeline.ask(audio=str(recording.audio), language=recording.language).seconds
    note(f"{recording.uri}: HTTP {over_http:.2f} s, direct {direct:.2f} s")
    return over_http, direct
