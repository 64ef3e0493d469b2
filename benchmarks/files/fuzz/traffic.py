"""Sends files to the server from several callers at once, each over one connection that is kept alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import httpx

PATH = "/v1/audio/transcriptions"
CALLERS = 4
TIMEOUT = 60.0  # seconds, of one request
NO_ANSWER = 0  # the status if the connection broke
HEALTH_INTERVAL = 0.1  # seconds
PREPARED = 64  # requests that wait for a caller
DETAIL = 200  # characters of an answer that are kept


@dataclass(frozen=True, slots=True)
class Upload:
    number: int
    data: bytes
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of the upload of this number; `started` and `ended` are `time.monotonic()`."""

    number: int
    status: int
    started: float
    ended: float
    detail: str

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    @property
    def is_failure(self) -> bool:
        return self.status == NO_ANSWER or self.status >= 500


def send_all(base_url: str, uploads: Iterable[Upload], callers: int = CALLERS) -> Iterator[Reply]:
    """Replies in the order of the uploads, which are taken as callers become free."""
    own = threading.local()

    def send(upload: Upload) -> Reply:
        if not hasattr(own, "client"):
            own.client = httpx.Client(base_url=base_url, timeout=TIMEOUT)
        reply = _send(own.client, upload)
        # A server may close an idle connection just as a request leaves: clients try once more.
        return _send(own.client, upload) if reply.status == NO_ANSWER else reply

    waiting = iter(uploads)
    with ThreadPoolExecutor(callers) as pool:
        while batch := list(islice(waiting, PREPARED)):
            yield from pool.map(send, batch)


def send_one(base_url: str, data: bytes, **fields: str) -> Reply:
    with httpx.Client(base_url=base_url, timeout=TIMEOUT) as client:
        return _send(client, Upload(0, data, fields))


@contextmanager
def health_latencies(base_url: str) -> Iterator[list[float]]:
    """Seconds that `/health` takes, asked ten times a second until the context ends."""
    latencies: list[float] = []
    stopping = threading.Event()
    thread = threading.Thread(target=_ask, args=(base_url, latencies.append, stopping), daemon=True)
    thread.start()
    try:
        yield latencies
    finally:
        stopping.set()
        thread.join()


def _send(client: httpx.Client, upload: Upload) -> Reply:
    started = time.monotonic()
    try:
        answer = client.post(
            PATH, data={"model": "whisper-1", **upload.fields}, files={"file": ("upload", upload.data)}
        )
    except httpx.TransportError as error:
        return Reply(upload.number, NO_ANSWER, started, time.monotonic(), repr(error))
    return Reply(upload.number, answer.status_code, started, time.monotonic(), answer.text[:DETAIL])


def _ask(base_url: str, note: Callable[[float], None], stopping: threading.Event) -> None:
    with httpx.Client(base_url=base_url, timeout=TIMEOUT) as client:
        while not stopping.wait(HEALTH_INTERVAL):
            started = time.monotonic()
            try:
                client.get("/health")
            except httpx.TransportError:
                note(TIMEOUT)
            else:
                note(time.monotonic() - started)
