"""One short clip alone on an idle server, as dictation sends it, beside faster-whisper in its own process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.client import Client
from benchmarks.eval_set import read_audio, read_conversations
from benchmarks.load.callers import write_clip
from benchmarks.report import note, table
from benchmarks.server_process import serving
from benchmarks.values import Options
from benchmarks.worker import Worker
from models import SAMPLE_RATE

TITLE = "One short clip"

SOURCE = "conv4_en_a"
LENGTHS = (2, 5, 10, 25)  # seconds
RUNS = 9

METHOD = f"""\
Clips cut from `{SOURCE}`, {RUNS} of each length, each posted once (`json`, language given, no speakers) to a
server that has nothing else to do, and passed to `WhisperModel.transcribe` and to `BatchedInferencePipeline`
(base, int8, beam 5, as many threads as cores, otherwise their defaults), which hold the same weights in a
process of their own; the three take turns. Medians in seconds. The ratio is to the quicker of the two."""

HEADER = ("clip", "server", "transcribe", "batched pipeline", "ratio")


def measure(options: Options) -> str:
    recordings = {item.uri: item for item in read_conversations(options.eval_dir, with_long=False)}
    samples = read_audio(recordings[SOURCE].audio)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(options.base_url) as base_url,
        Worker("benchmarks.reference_whisper") as reference,
    ):
        client = Client(base_url)

        def times(seconds: int, run: int) -> tuple[float, ...]:
            clip = Path(folder) / f"{seconds}-{run}.wav"
            start = (run + 1) * len(samples) // (RUNS + 2)
            write_clip(clip, samples[start : start + seconds * SAMPLE_RATE])
            server = client.transcribe(clip, language="en").seconds
            fields = {"audio": str(clip), "language": "en"}
            alone = [reference.request(**fields, batched=batched).seconds for batched in (False, True)]
            return (server, *alone)

        times(LENGTHS[0], 0)  # a first run of each is not measured
        rows = [_row(seconds, [times(seconds, run) for run in range(RUNS)]) for seconds in LENGTHS]
    return f"{METHOD}\n\n" + table(HEADER, rows)


def _row(seconds: int, runs: list[tuple[float, ...]]) -> tuple[str, ...]:
    server, *alone = (median(times) for times in zip(*runs, strict=True))
    note(f"{seconds} s: {server:.2f} s, faster-whisper {alone}")
    return (f"{seconds} s", *(f"{time:.2f}" for time in (server, *alone)), f"{server / min(alone):.2f}")
