"""Memory of the server for one, six and 24 hours of audio, and speaker linking over a day."""

from __future__ import annotations

import json
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from benchmarks.client import Client
from benchmarks.report import note, percent, table
from benchmarks.server_process import ServerProcess
from benchmarks.speakers.day_audio import read_pieces, write_recording
from benchmarks.speakers.day_voices import chunk_speakers, label_consistency
from benchmarks.speakers.scores import read_turns
from benchmarks.values import Message, Options, Turn
from models import SAMPLE_RATE, ChunkSpeakers, Span
from options import SpeakerCount
from utils.speakers.linking import link_speakers

TITLE = "Day-long recordings"

HOURS = (1, 6, 24)
REQUESTS = {
    "verbose_json": Client.transcribe_speakers,
    "json": Client.transcribe,
    "background": Client.transcribe_in_background,
}
PROGRAM = ("-m", "benchmarks.speakers.day_server")
CHUNKS, PEOPLE, SPEAKERS = 144, 40, 16  # for linking alone; SPEAKERS are those of one chunk
CHUNK_SECONDS = 600
MEGABYTE = 1_000_000

METHOD = """\
MP3s of real conversations, concatenated from pieces of 100 s in random order, at three levels and three
speeds, with pauses of half a second to a minute; the shorter recordings are prefixes of the longest. Each row
is one request to a fresh server: `verbose_json` with words and speakers, synchronous or as a background job,
or `json`. Upload, decoding, speech detection, chunk planning, merging, linking, assignment and formatting are
real. The recogniser is a stub that emits words of the evaluation texts at a constant rate. The diarizer of a
chunk is a stub too: it returns the reference turns, and synthetic speaker embeddings as noisy as real ones
(`python -m benchmarks hours` uses the real diarizer). Without model weights the server is small, which makes
the ratio stricter than in production. Memory is the resident memory of the server and its children, sampled
five times a second."""

HEADER = ("audio", "request", "idle MB", "peak MB", "words", "speakers", "labels", "consistency")


@dataclass(frozen=True, slots=True)
class Row:
    hours: int
    request: str
    ready: int
    peak: int
    words: int
    speakers: int = 0
    labels: int = 0
    consistency: float = 0.0


def measure(options: Options) -> str:
    hours = HOURS[:2] if options.quick else HOURS
    pieces = read_pieces(options.eval_dir)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recording, truth = Path(folder) / "recording.mp3", Path(folder) / "turns.json"
        turns = write_recording(recording, pieces, hours[-1] * 3600)
        truth.write_text(json.dumps([astuple(turn) for turn in turns]))
        settings = {"EVAL_DIR": str(options.eval_dir.resolve()), "DAY_TURNS": str(truth)}
        for length in hours:
            reference = write_recording(recording, pieces, length * 3600)
            rows += [_measure_request(recording, reference, length, name, settings) for name in REQUESTS]
    parts = [METHOD, table(HEADER, map(_cells, rows)), *_ratios(rows), _linking()]
    return "\n\n".join(parts)


def _measure_request(
    audio: Path, turns: Sequence[Turn], hours: int, name: str, settings: dict[str, str]
) -> Row:
    with ServerProcess.running(PROGRAM, **settings) as server:
        ready = server.rss()
        body = REQUESTS[name](Client(server.base_url), audio, language="en").body
    row = Row(hours, name, ready, server.peak_rss, len(body["text"].split()), **_labels(body, turns))
    note(f"{asdict(row)}")
    return row


def _labels(body: Message, turns: Sequence[Turn]) -> Message:
    labelled = read_turns(body.get("turns", []))
    if not labelled:
        return {}
    return {
        "speakers": len({turn.speaker for turn in turns}),
        "labels": len({turn.speaker for turn in labelled}),
        "consistency": label_consistency(labelled, turns),
    }


def _cells(row: Row) -> tuple[object, ...]:
    sizes = (f"{size / MEGABYTE:.0f}" for size in (row.ready, row.peak))
    labels = (row.speakers, row.labels, percent(row.consistency)) if row.labels else ("", "", "")
    return f"{row.hours} h", row.request, *sizes, row.words, *labels


def _ratios(rows: Sequence[Row]) -> Iterator[str]:
    for name in REQUESTS:
        first, *others = [row for row in rows if row.request == name]
        ratios = ", ".join(f"{row.hours} h {row.peak / first.peak:.3f}" for row in others)
        yield f"`{name}`, peak / peak of {first.hours} h: {ratios}."


def _linking() -> str:
    """Times speaker linking alone, over a day with many more speakers than the recordings have."""
    chunks = [_crowded_chunk(index) for index in range(CHUNKS)]
    started = time.perf_counter()
    link_speakers(chunks, SpeakerCount())
    seconds = time.perf_counter() - started
    tracemalloc.start()
    numbers = link_speakers(chunks, SpeakerCount())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = len({number for chunk in numbers for number in chunk.values()})
    return (
        f"Linking alone, {CHUNKS} chunks with {SPEAKERS} speakers each, {PEOPLE} different speakers: "
        f"{seconds:.1f} s, peak {peak / MEGABYTE:.0f} MB, {found} speakers found."
    )


def _crowded_chunk(index: int) -> ChunkSpeakers:
    """Each speaker speaks 20 s; the last ten seconds overlap with the next chunk."""
    start = index * CHUNK_SECONDS
    turns = [
        Turn(start + 20 * n, start + 20 * n + 20, f"person {(7 * index + n) % PEOPLE}")
        for n in range(SPEAKERS)
    ]
    return chunk_speakers(turns, Span(start * SAMPLE_RATE, (start + CHUNK_SECONDS + 10) * SAMPLE_RATE))
