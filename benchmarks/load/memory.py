"""Peak memory of the server for ten minutes and an hour of audio."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.client import Client
from benchmarks.eval_set import LONG, Conversation, read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.values import Options

TITLE = "Memory"

SHORT_SECONDS = 600
MEGABYTE = 1_000_000

METHOD = """\
Resident memory of the server and its children (shared pages counted in each process), sampled five times
a second from start to stop. Each row is one request to a fresh server. The ten minutes are the start of the
long file. The format is `json` without diarization and `verbose_json` with it."""

HEADER = ("audio", "diarization", "idle MB", "peak MB", "wall s")


@dataclass(frozen=True, slots=True)
class Usage:
    ready: int
    peak: int
    seconds: float


def measure(options: Options) -> str:
    recording = next(item for item in read_conversations(options.eval_dir) if item.kind == LONG)
    with tempfile.TemporaryDirectory() as folder:
        recordings = {f"{SHORT_SECONDS / 60:.0f} min": _cut(recording.audio, Path(folder) / "short.flac")}
        if not options.quick:
            recordings[f"{recording.seconds / 60:.0f} min"] = recording.audio
        usages = {
            (name, diarize): _measure_usage(audio, recording, diarize=diarize)
            for diarize in (False, True)
            for name, audio in recordings.items()
        }
    rows = [_row(name, diarize, usage) for (name, diarize), usage in usages.items()]
    return "\n\n".join([METHOD, table(HEADER, rows), *_ratios(usages)])


def _cut(source: Path, target: Path) -> Path:
    """The first `SHORT_SECONDS` of `source` as FLAC."""
    with av.open(str(source)) as opened, av.open(str(target), "w") as written:
        stream = written.add_stream("flac", rate=16_000, layout="mono")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        for frame in opened.decode(audio=0):
            if frame.time is not None and frame.time >= SHORT_SECONDS:
                break
            for part in resampler.resample(frame):
                written.mux(stream.encode(part))
        written.mux(stream.encode(None))
    return target


def _measure_usage(audio: Path, recording: Conversation, *, diarize: bool) -> Usage:
    with ServerProcess.running() as server:
        ready = server.rss()
        client = Client(server.base_url)
        request = client.transcribe_speakers if diarize else client.transcribe
        seconds = request(audio, language=recording.language).seconds
    note(f"{audio.name}: diarization {diarize}, peak {server.peak_rss / MEGABYTE:.0f} MB")
    return Usage(ready, server.peak_rss, seconds)


def _row(name: str, diarize: bool, usage: Usage) -> tuple[str, ...]:
    ready, peak = (f"{size / MEGABYTE:.0f}" for size in (usage.ready, usage.peak))
    return name, _switch(diarize), ready, peak, f"{usage.seconds:.0f}"


def _ratios(usages: dict[tuple[str, bool], Usage]) -> Iterable[str]:
    for diarize in (False, True):
        peaks = [usage.peak for (_, on), usage in usages.items() if on == diarize]
        if len(peaks) > 1:
            ratio = peaks[-1] / peaks[0]
            yield f"Diarization {_switch(diarize)}: peak of the hour / peak of ten minutes = {ratio:.3f}."


def _switch(on: bool) -> str:
    return "on" if on else "off"
