"""Thousands of valid, invalid and aborted requests: memory growth and leftover files."""

from __future__ import annotations

import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.eval_set import read_audio, read_conversations
from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.sounds import write_flac
from benchmarks.values import Options
from models import SAMPLE_RATE

TITLE = "Soak"

REQUESTS, QUICK_REQUESTS = 2000, 200
WARM_UP = 100  # requests before memory is first measured
CALLERS = 4
CLIPS = 40
CLIP_SECONDS = (1.0, 6.0)
MEGABYTE = 1_000_000
SEED = 1
TIMEOUT = 600  # seconds, per request

METHOD = f"""\
Requests from {CALLERS} concurrent callers to one server with Whisper tiny.en: clips of one to six
seconds of real speech in every format, with and without speakers, streamed and not; files that are not audio,
invalid parameters, and clients that disconnect during the upload, the transcription or a stream. Memory is
that of the server and its children with no request in flight, first measured after {WARM_UP} requests."""

Kind = Callable[[httpx.Client, bytes], str]


@dataclass(frozen=True, slots=True)
class SoakResult:
    outcomes: Counter[tuple[str, str]]
    rss_before: int
    rss_after: int
    workspaces: list[str]


def measure(options: Options) -> str:
    number = QUICK_REQUESTS if options.quick else REQUESTS
    clips = _clips(options.eval_dir)
    with ServerProcess.running(WHISPER_MODEL="whisper-tiny.en") as server:
        outcomes = _send(server.base_url, clips, WARM_UP, SEED)
        _wait_until_idle(server.base_url)
        rss_before = server.rss()
        note(f"after {WARM_UP}: {rss_before / MEGABYTE:.0f} MB")
        outcomes += _send(server.base_url, clips, number - WARM_UP, SEED + 1)
        _wait_until_idle(server.base_url)
        result = SoakResult(outcomes, rss_before, server.rss(), server.workspaces())
    return "\n\n".join([METHOD, table(("request", "outcome", "count"), _rows(result)), *_summary(result)])


def _clips(eval_dir: Path) -> list[bytes]:
    """Random excerpts of the first conversation, as FLAC."""
    samples = read_audio(read_conversations(eval_dir, with_long=False)[0].audio)
    rng = random.Random(SEED)
    lengths = [round(rng.uniform(*CLIP_SECONDS) * SAMPLE_RATE) for _ in range(CLIPS)]
    starts = [rng.randrange(max(1, len(samples) - length)) for length in lengths]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.flac"
        return [
            write_flac(samples[start : start + length], path).read_bytes()
            for start, length in zip(starts, lengths, strict=True)
        ]


def _send(base_url: str, clips: list[bytes], number: int, seed: int) -> Counter[tuple[str, str]]:
    rng = random.Random(seed)
    jobs = [(rng.choice(list(KINDS.items())), rng.choice(clips)) for _ in range(number)]
    outcomes: Counter[tuple[str, str]] = Counter()
    lock = threading.Lock()

    def run(job: tuple[tuple[str, Kind], bytes]) -> None:
        (name, kind), clip = job
        try:
            with httpx.Client(base_url=base_url, timeout=TIMEOUT) as client:
                outcome = kind(client, clip)
        except httpx.TransportError as error:
            outcome = type(error).__name__
        with lock:
            outcomes[name, outcome] += 1
            if outcomes.total() % WARM_UP == 0:
                note(f"{outcomes.total()} of {number}")

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(run, jobs))
    return outcomes


def _with_fields(**fields: str) -> Kind:
    def send(client: httpx.Client, clip: bytes) -> str:
        return str(_post(client, clip, **fields).status_code)

    return send


def _post(client: httpx.Client, file: bytes, **fields: str) -> httpx.Response:
    form = {"model": "whisper-1", **fields}
    return client.post("/v1/audio/transcriptions", data=form, files={"file": ("clip.flac", file)})


def _no_audio(client: httpx.Client, clip: bytes) -> str:
    return str(_post(client, bytes(reversed(clip))).status_code)


def _disconnect_while_transcribing(client: httpx.Client, clip: bytes) -> str:
    client.timeout = httpx.Timeout(TIMEOUT, read=0.2)
    with suppress(httpx.ReadTimeout):
        return str(_post(client, clip, response_format="verbose_json", diarize="true").status_code)
    return "disconnected"


def _disconnect_while_uploading(client: httpx.Client, clip: bytes) -> str:
    def half_upload() -> Iterable[bytes]:
        head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.flac"\r\n\r\n'
        yield head.encode() + clip[: len(clip) // 2]
        raise InterruptedError

    headers = {"content-type": "multipart/form-data; boundary=x"}
    with suppress(InterruptedError):
        client.post("/v1/audio/transcriptions", content=half_upload(), headers=headers)
    return "disconnected"


def _disconnect_from_stream(client: httpx.Client, clip: bytes) -> str:
    form, files = {"model": "whisper-1", "stream": "true"}, {"file": ("clip.flac", clip)}
    with client.stream("POST", "/v1/audio/transcriptions", data=form, files=files) as answer:
        next(answer.iter_lines(), None)
        return str(answer.status_code)


KINDS: dict[str, Kind] = {
    **{name: _with_fields(response_format=name) for name in ("json", "text", "srt", "vtt")},
    "verbose_json": _with_fields(response_format="verbose_json", diarize="true"),
    "diarized_json": _with_fields(response_format="diarized_json"),
    "stream": _with_fields(stream="true"),
    "stream, diarized": _with_fields(stream="true", response_format="diarized_json"),
    "logprobs": _with_fields(**{"include[]": "logprobs"}),
    "invalid parameter": _with_fields(temperature="seven"),
    "no audio": _no_audio,
    "disconnects while transcribing": _disconnect_while_transcribing,
    "disconnects while uploading": _disconnect_while_uploading,
    "disconnects from a stream": _disconnect_from_stream,
}


def _wait_until_idle(base_url: str) -> None:
    while httpx.get(f"{base_url}/health/ready", timeout=TIMEOUT).json()["requests"]:
        threading.Event().wait(0.1)


def _rows(result: SoakResult) -> Iterable[tuple[object, ...]]:
    for (name, outcome), count in sorted(result.outcomes.items()):
        yield name, outcome, count


def _summary(result: SoakResult) -> Iterable[str]:
    failed = sum(count for (_, outcome), count in result.outcomes.items() if outcome.startswith("5"))
    broken = sum(
        count for (_, outcome), count in result.outcomes.items() if outcome.endswith(("Error", "Timeout"))
    )
    yield (
        f"{result.outcomes.total()} requests: {failed} answered 5xx, {broken} without a response,"
        f" {len(result.workspaces)} workspaces left."
    )
    yield (
        f"Memory after {WARM_UP} requests {result.rss_before / MEGABYTE:.0f} MB, at the end"
        f" {result.rss_after / MEGABYTE:.0f} MB: ratio {result.rss_after / result.rss_before:.3f}."
    )
