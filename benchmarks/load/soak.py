"""Thousands of requests of every kind, good and bad: what stays behind in memory and on disk."""

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
SETTLED = 100  # requests after which memory is taken for settled
CALLERS = 4
CLIPS = 40
CLIP_SECONDS = (1.0, 6.0)
MEGABYTE = 1_000_000
SEED = 1
PATIENCE = 600  # seconds until an answer is given up

METHOD = f"""\
Requests from {CALLERS} callers at once to one server with Whisper tiny.en: clips of one to six
seconds of real speech in every format, with speakers and without, streamed and whole; files that are none,
parameters that are wrong, clients that leave in the middle of the upload, of the work, of a stream. Memory
is that of the server and its children with nobody in the house, first after {SETTLED} requests."""

Kind = Callable[[httpx.Client, bytes], str]


@dataclass(frozen=True, slots=True)
class Soaked:
    outcomes: Counter[tuple[str, str]]
    settled: int
    after: int
    left: list[str]


def measure(options: Options) -> str:
    number = QUICK_REQUESTS if options.quick else REQUESTS
    clips = _clips(options.eval_dir)
    with ServerProcess.running(WHISPER_MODEL="whisper-tiny.en") as server:
        outcomes = _send(server.base_url, clips, SETTLED, SEED)
        _wait_until_empty(server.base_url)
        settled = server.rss()
        note(f"after {SETTLED}: {settled / MEGABYTE:.0f} MB")
        outcomes += _send(server.base_url, clips, number - SETTLED, SEED + 1)
        _wait_until_empty(server.base_url)
        soaked = Soaked(outcomes, settled, server.rss(), server.workspaces())
    return "\n\n".join([METHOD, table(("kind", "outcome", "times"), _rows(soaked)), *_summary(soaked)])


def _clips(eval_dir: Path) -> list[bytes]:
    """Pieces of the first conversation, as FLAC."""
    samples = read_audio(read_conversations(eval_dir, with_long=False)[0].audio)
    chance = random.Random(SEED)
    lengths = [round(chance.uniform(*CLIP_SECONDS) * SAMPLE_RATE) for _ in range(CLIPS)]
    starts = [chance.randrange(max(1, len(samples) - length)) for length in lengths]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.flac"
        return [
            write_flac(samples[start : start + length], path).read_bytes()
            for start, length in zip(starts, lengths, strict=True)
        ]


def _send(base_url: str, clips: list[bytes], number: int, seed: int) -> Counter[tuple[str, str]]:
    chance = random.Random(seed)
    jobs = [(chance.choice(list(KINDS.items())), chance.choice(clips)) for _ in range(number)]
    outcomes: Counter[tuple[str, str]] = Counter()
    lock = threading.Lock()

    def run(job: tuple[tuple[str, Kind], bytes]) -> None:
        (name, kind), clip = job
        try:
            with httpx.Client(base_url=base_url, timeout=PATIENCE) as client:
                outcome = kind(client, clip)
        except httpx.TransportError as error:
            outcome = type(error).__name__
        with lock:
            outcomes[name, outcome] += 1
            if outcomes.total() % SETTLED == 0:
                note(f"{outcomes.total()} of {number}")

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(run, jobs))
    return outcomes


def _asked(**fields: str) -> Kind:
    def send(client: httpx.Client, clip: bytes) -> str:
        return str(_post(client, clip, **fields).status_code)

    return send


def _post(client: httpx.Client, file: bytes, **fields: str) -> httpx.Response:
    form = {"model": "whisper-1", **fields}
    return client.post("/v1/audio/transcriptions", data=form, files={"file": ("clip.flac", file)})


def _no_audio(client: httpx.Client, clip: bytes) -> str:
    return str(_post(client, bytes(reversed(clip))).status_code)


def _leaves_while_working(client: httpx.Client, clip: bytes) -> str:
    client.timeout = httpx.Timeout(PATIENCE, read=0.2)
    with suppress(httpx.ReadTimeout):
        return str(_post(client, clip, response_format="verbose_json").status_code)
    return "left"


def _leaves_while_uploading(client: httpx.Client, clip: bytes) -> str:
    def half() -> Iterable[bytes]:
        head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.flac"\r\n\r\n'
        yield head.encode() + clip[: len(clip) // 2]
        raise InterruptedError

    headers = {"content-type": "multipart/form-data; boundary=x"}
    with suppress(InterruptedError):
        client.post("/v1/audio/transcriptions", content=half(), headers=headers)
    return "left"


def _leaves_a_stream(client: httpx.Client, clip: bytes) -> str:
    form, files = {"model": "whisper-1", "stream": "true"}, {"file": ("clip.flac", clip)}
    with client.stream("POST", "/v1/audio/transcriptions", data=form, files=files) as answer:
        next(answer.iter_lines(), None)
        return str(answer.status_code)


KINDS: dict[str, Kind] = {
    **{name: _asked(response_format=name) for name in ("json", "text", "srt", "vtt", "verbose_json")},
    "diarized_json": _asked(response_format="diarized_json"),
    "stream": _asked(stream="true"),
    "stream, diarized": _asked(stream="true", response_format="diarized_json"),
    "logprobs": _asked(**{"include[]": "logprobs"}),
    "wrong parameter": _asked(temperature="seven"),
    "no audio": _no_audio,
    "leaves while working": _leaves_while_working,
    "leaves while uploading": _leaves_while_uploading,
    "leaves a stream": _leaves_a_stream,
}


def _wait_until_empty(base_url: str) -> None:
    while httpx.get(f"{base_url}/health/ready", timeout=PATIENCE).json()["requests"]:
        threading.Event().wait(0.1)


def _rows(soaked: Soaked) -> Iterable[tuple[object, ...]]:
    for (name, outcome), times in sorted(soaked.outcomes.items()):
        yield name, outcome, times


def _summary(soaked: Soaked) -> Iterable[str]:
    failed = sum(times for (_, outcome), times in soaked.outcomes.items() if outcome.startswith("5"))
    broken = sum(
        times for (_, outcome), times in soaked.outcomes.items() if outcome.endswith(("Error", "Timeout"))
    )
    yield (
        f"{soaked.outcomes.total()} requests, {failed} answers of 5xx, {broken} without an answer,"
        f" {len(soaked.left)} workspaces left."
    )
    yield (
        f"Memory after {SETTLED} requests {soaked.settled / MEGABYTE:.0f} MB, at the end"
        f" {soaked.after / MEGABYTE:.0f} MB: {soaked.after / soaked.settled:.3f}."
    )
