"""The server behind each reverse proxy of docs/deployment.md, with the official client and with httpx."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from models import SAMPLE_RATE
from options import DecodeOptions
from seams import EncodedWindow
from tests.client import settings
from tests.deployment.proxies import NAME, PROXIES, Place, running_proxy
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until

TALK = wav(*([tone(20.0), silence(4.0)] * 8))
MEBIBYTE = 1024 * 1024
UPLOAD_MB = 32
UNDER_WAY = 4 * MEBIBYTE  # in buffers of sockets
HANDSHAKE = (
    "connection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
AGREED = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


class GatedRecogniser(ScriptedRecogniser):
    """Stops before its fourth window, which is in the second chunk, while the gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_open = threading.Event()

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if len(self.batches) >= 4:
            self.gate_open.wait(30)


class NamedTransport(httpx.HTTPTransport):
    """Names the server in the handshake, whatever address it connects to."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        return super().handle_request(request)


@dataclass(frozen=True)
class Proxied:
    server: RunningServer
    place: Place
    recogniser: GatedRecogniser
    http: httpx.Client

    @property
    def client(self) -> OpenAI:
        own: Any = self.http  # the client is typed for httpx2
        return OpenAI(base_url=f"{self.http.base_url}v1", api_key="unused", max_retries=0, http_client=own)


@contextmanager
def http_client(place: Place) -> Iterator[httpx.Client]:
    base = f"https://127.0.0.1:{place.port}{place.path}/"
    named = {"host": NAME}
    with httpx.Client(
        base_url=base, transport=NamedTransport(verify=place.tls), headers=named, timeout=30
    ) as client:
        yield client


@contextmanager
def proxied(name: str, folder: Path, path: str = "") -> Iterator[Proxied]:
    recogniser = GatedRecogniser()
    config = settings(
        folder,
        allowed_hosts=NAME,
        root_path=path,
        whisper_batch_size=1,
        chunk_seconds=60,
        abandoned_seconds=0,
    )
    with (
        running_server(config, fake_loaders(lambda: recogniser)) as server,
        running_proxy(name, folder, int(server.url.rpartition(":")[2]), path) as place,
        http_client(place) as http,
    ):
        yield Proxied(server, place, recogniser, http)
        recogniser.gate_open.set()


@pytest.fixture(params=PROXIES)
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxied]:
    with proxied(request.param, tmp_path) as server:
        yield server


def test_the_official_client_reads_events_as_they_come(behind: Proxied) -> None:
    """The recogniser waits in the second chunk until the client has read what was said in the first."""
    stream = behind.client.audio.transcriptions.create(
        model="whisper-1", file=("talk.wav", TALK), stream=True
    )
    with stream as events:
        first = next(iter(events))
        assert first.type == "transcript.text.delta"
        behind.recogniser.gate_open.set()
        *_, last = events
    assert last.type == "transcript.text.done"
    whole = behind.client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", TALK))
    assert last.text == whole.text


def test_a_client_that_leaves_is_seen_by_the_server(behind: Proxied) -> None:
    form = {"model": "whisper-1", "stream": "true"}
    files = {"file": ("talk.wav", TALK)}
    with behind.http.stream("POST", TRANSCRIPTIONS, data=form, files=files) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert len(behind.server.state.admission.in_flight) == 1
    behind.recogniser.gate_open.set()
    wait_until(lambda: not behind.server.state.admission.in_flight)
    assert len(behind.recogniser.batches) <= 5, "of eight windows"


def test_a_large_upload_arrives_while_it_is_sent(behind: Proxied) -> None:
    """Chunked, so without a length; over the limits that proxies have by default; and not held back."""
    recording = wav(silence(UPLOAD_MB * MEBIBYTE / 2 / SAMPLE_RATE))
    half = len(recording) // 2
    root = behind.server.state.temp.root

    def arrived() -> int:
        return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())

    def body() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="talk.wav"\r\n\r\n'
        yield recording[:half]
        wait_until(lambda: arrived() > half - UNDER_WAY)
        yield recording[half:]
        yield b"\r\n--x--\r\n"

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = behind.http.post(TRANSCRIPTIONS, content=body(), headers=kind)
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == ""


@pytest.mark.parametrize("name", PROXIES)
def test_it_serves_below_a_path(name: str, tmp_path: Path) -> None:
    with proxied(name, tmp_path, path="/whisper") as server:
        server.recogniser.gate_open.set()
        answer = server.client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", TALK))
        assert answer.text
        outside = server.http.get(f"https://127.0.0.1:{server.place.port}/v1/models")
        assert "x-request-id" not in outside.headers, "the path of others is none of the server's"


@pytest.mark.parametrize("name", PROXIES)
def test_a_websocket_passes(name: str, tmp_path: Path) -> None:
    """An upstream that agrees to speak another protocol, and then repeats what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        port = listening.getsockname()[1]
        with (
            running_proxy(name, tmp_path, port) as place,
            ThreadPoolExecutor(1) as pool,
            place.connection() as client,
        ):
            upstream = pool.submit(upgrade_once, listening)
            client.sendall(f"GET /v1/realtime HTTP/1.1\r\nhost: {NAME}\r\n{HANDSHAKE}\r\n".encode())
            assert received(client).startswith(b"HTTP/1.1 101 ")
            client.sendall(b"ping")
            assert client.makefile("rb").read(4) == b"ping"
            upstream.result()


def upgrade_once(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        assert b"upgrade: websocket" in received(connection).lower()
        connection.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{AGREED}\r\n".encode())
        connection.sendall(connection.recv(4))


def received(connection: socket.socket) -> bytes:
    """The head of a message."""
    head = b""
    while b"\r\n\r\n" not in head:
        block = connection.recv(4096)
        assert block, "it was closed"
        head += block
    return head
