"""Answers for a recording of a day: how long the event loop stands still, and memory of merged channels."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.values import Options
from benchmarks.worker import Worker

TITLE = "Answers for a day"

METHOD = """\
The server with a chunk runner that has the results of 24 hours at once (21,600 segments, 216,000 words, two
speakers); everything else is real. A task wakes every 2 ms; what the process computes from one wake to the
next, on the loop or with the interpreter's lock held, is a stop. CPU time is counted, as a busy machine makes
any task late. `fresh`: once, with merging the chunks and writing the cache; all others: best of three."""

HEADER = ("answer", "longest stop ms", "s", "MB")

PATH = "/v1/audio/transcriptions"
SERVER = ("-m", "benchmarks.load.day_server")
RUNS = 3
FORMATS = ("json", "verbose_json", "diarized_json", "text", "srt", "vtt")
STREAMS = ("json", "diarized_json")
SECOND = 16_000  # samples

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    stop: float
    seconds: float
    num_bytes: int

    def cells(self) -> tuple[str, ...]:
        return self.name, f"{1000 * self.stop:.0f}", f"{self.seconds:.1f}", f"{self.num_bytes / 1e6:.1f}"


class Recorder:
    """Asks the server, and how long its loop stood still meanwhile."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=None)
        self._uploads = 0

    def post(self, name: str, is_fresh: bool, fields: Fields) -> Row:
        if is_fresh:
            return self._measured(f"{name}, fresh", self._upload(is_fresh, fields))
        return _best(self._measured(f"{name}, cached", self._upload(False, fields)) for _ in range(RUNS))

    def get(self, name: str, path: str, **query: str) -> Row:
        request = self._http.build_request("GET", path, params=query)
        return _best(self._measured(name, request) for _ in range(RUNS))

    def run_job(self) -> tuple[str, Row]:
        """The path of a background job, and the stop until it is done."""
        request = self._upload(True, {"background": "true", "response_format": "diarized_json"})
        path = f"{PATH}/{self._http.send(request).raise_for_status().json()['id']}"
        return path, self._measured("job, while it runs", self._http.build_request("GET", f"{path}/events"))

    def _measured(self, name: str, request: httpx.Request) -> Row:
        self._longest_stop()
        started = time.perf_counter()
        answer = self._http.send(request, stream=True)
        num_bytes = sum(len(block) for block in answer.raise_for_status().iter_raw())
        row = Row(name, self._longest_stop(), time.perf_counter() - started, num_bytes)
        note(" | ".join(row.cells()))
        return row

    def _longest_stop(self) -> float:
        return float(self._http.get("/stop").json())

    def _upload(self, is_fresh: bool, fields: Fields) -> httpx.Request:
        """What was not uploaded before, or the same as the last time."""
        self._uploads += is_fresh
        data = {"model": "whisper-1", "timestamp_granularities[]": ("word", "segment"), **fields}
        if data.get("response_format") != "verbose_json":
            del data["timestamp_granularities[]"]
        return self._http.build_request("POST", PATH, data=data, files={"file": _wav(self._uploads)})


def measure(_: Options) -> str:
    with ServerProcess.running(SERVER, False, RESULT_CACHE_MB="4096") as server:
        rows = list(_rows(Recorder(server.base_url)))
    with Worker("benchmarks.load.day_channels") as worker:
        merged = worker.request().body
    channels = (
        f"Merging two channels of 24 hours: {merged['mib']:.0f} MiB more at most, {merged['seconds']:.0f} s."
    )
    return "\n\n".join([METHOD, table(HEADER, [row.cells() for row in rows]), channels])


def _rows(recorder: Recorder) -> Iterator[Row]:
    for name, fields in _requests():
        for is_fresh in (True, False):
            yield recorder.post(name, is_fresh, fields)
    path, row = recorder.run_job()
    yield row
    yield recorder.get("job with its result", path)
    yield recorder.get("events of a job", f"{path}/events")
    for form in FORMATS:
        yield recorder.get(f"content of a job, {form}", f"{path}/content", response_format=form)


def _requests() -> Iterator[tuple[str, Fields]]:
    for form in FORMATS:
        yield form, {"response_format": form}
    yield "json, logprobs", {"response_format": "json", "include[]": "logprobs"}
    for form in STREAMS:
        yield f"stream, {form}", {"response_format": form, "stream": "true"}


def _best(rows: Iterator[Row]) -> Row:
    return min(rows, key=lambda row: row.stop)


def _wav(number: int) -> bytes:
    """A second of silence and `number` samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, SECOND, 0, "NONE", ""))
        out.writeframes(bytes(2 * (SECOND + number)))
    return file.getvalue()
