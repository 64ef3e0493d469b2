"""Memory of the server for an hour, six hours and a day of audio; linking a day of speakers."""

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
from benchmarks.speakers.day_voices import chunk_speakers, steadiness
from benchmarks.speakers.scores import read_turns
from benchmarks.values import Message, Options, Turn
from models import SAMPLE_RATE, ChunkSpeakers, Span
from options import SpeakerCount
from utils.speakers.linking import link_speakers

TITLE = "Recordings of a day"

HOURS = (1, 6, 24)
REQUESTS = {
    "verbose_json": Client.transcribe_speakers,
    "json": Client.transcribe,
    "background": Client.transcribe_in_background,
}
PROGRAM = ("-m", "benchmarks.speakers.day_server")
CHUNKS, PEOPLE, SPEAKERS = 144, 40, 16  # of the linking alone
CHUNK_SECONDS = 600
MEGABYTE = 1_000_000

METHOD = """\
MP3s of real conversations laid end to end in any order, a hundred seconds of one at a time, at three levels
and three speeds, with pauses of half a second to a minute; the shorter ones are beginnings of the longest. A
fresh server for every row and one request to it: `verbose_json` with words and speakers, at once or as a
background job, or `json`. Upload, decoding, speech detection, planning of chunks, merging, linking,
assignment and formatting are real. The recogniser is a stub that says words of the evaluation texts at an
even pace; so is the diarizer of a chunk, which knows who really speaks and gives each voice as a direction
with as much noise as the real one hears (`python -m benchmarks hours` has that one). Without the weights of
models the server is small, which makes the ratio stricter than in production. Memory is resident, of the
server and its children, sampled five times a second."""

HEADER = ("audio", "asked for", "when ready MB", "peak MB", "words", "people", "labels", "own label")


@dataclass(frozen=True, slots=True)
class Row:
    hours: int
    request: str
    ready: int
    peak: int
    words: int
    people: int = 0
    labels: int = 0
    steady: float = 0.0


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
            said = write_recording(recording, pieces, length * 3600)
            rows += [_use(recording, said, length, name, settings) for name in REQUESTS]
    parts = [METHOD, table(HEADER, map(_cells, rows)), *_ratios(rows), _linking()]
    return "\n\n".join(parts)


def _use(audio: Path, turns: Sequence[Turn], hours: int, name: str, settings: dict[str, str]) -> Row:
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
        "people": len({turn.speaker for turn in turns}),
        "labels": len({turn.speaker for turn in labelled}),
        "steady": steadiness(labelled, turns),
    }


def _cells(row: Row) -> tuple[object, ...]:
    sizes = (f"{size / MEGABYTE:.0f}" for size in (row.ready, row.peak))
    labels = (row.people, row.labels, percent(row.steady)) if row.labels else ("", "", "")
    return f"{row.hours} h", row.request, *sizes, row.words, *labels


def _ratios(rows: Sequence[Row]) -> Iterator[str]:
    for name in REQUESTS:
        first, *others = [row for row in rows if row.request == name]
        ratios = ", ".join(f"{row.hours} h {row.peak / first.peak:.3f}" for row in others)
        yield f"`{name}`, peak / peak of {first.hours} h: {ratios}."


def _linking() -> str:
    """Voices of a day alone, with many more people than in the recording."""
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
        f"Linking alone, {CHUNKS} chunks with {SPEAKERS} speakers each, {PEOPLE} people in all: "
        f"{seconds:.1f} s, {peak / MEGABYTE:.0f} MB at most, {found} speakers found."
    )


def _crowded_chunk(index: int) -> ChunkSpeakers:
    """Everybody speaks 20 s; the overlap of ten seconds is shared with the next chunk."""
    start = index * CHUNK_SECONDS
    turns = [
        Turn(start + 20 * n, start + 20 * n + 20, f"person {(7 * index + n) % PEOPLE}")
        for n in range(SPEAKERS)
    ]
    return chunk_speakers(turns, Span(start * SAMPLE_RATE, (start + CHUNK_SECONDS + 10) * SAMPLE_RATE))
