"""Every status that the server refuses or fails with, from a real request: envelope, headers, retry."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from config import Settings
from exceptions import ModelUnavailableError
from options import DecodeOptions
from seams import EncodedWindow
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until
from utils.model_manager import ModelSource

KEY = {"authorization": "Bearer the-key"}
SPEECH = wav(tone(2.0))
TERABYTE = 1024**4


class FailingRecogniser(ScriptedRecogniser):
    """Has a bug that one prompt brings out."""

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if any(option.prompt == "crash" for option in options):
            raise ValueError("a bug")


def missing() -> LoudnessDetector:
    raise ModelUnavailableError("The model is not there.")


@dataclass(frozen=True)
class Servers:
    """One whose recogniser waits at the gate, and one whose detector cannot be loaded."""

    main: RunningServer
    without_detector: RunningServer
    gate: threading.Event

    @property
    def url(self) -> str:
        return f"{self.main.url}/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    gate = threading.Event()
    loaders = fake_loaders(lambda: FailingRecogniser(gate=gate))
    broken = replace(loaders, detector=ModelSource("gone", missing))
    with (
        running_server(settings(tmp_path_factory.mktemp("work")), loaders) as server,
        running_server(settings(tmp_path_factory.mktemp("work")), broken) as without_detector,
    ):
        yield Servers(server, without_detector, gate)
        gate.set()


def settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        api_keys="the-key",
        preload=False,
        max_requests=1,
        max_upload_mb=1_048_576,
        max_audio_hours=0.01,
        upload_idle_seconds=1,
        workspace_dir=folder,
    )


def post(url: str, file: bytes = SPEECH, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    return httpx.post(url, data=data, files={"file": ("a.wav", file)}, headers=KEY, timeout=60)


def head(servers: Servers, length: int) -> httpx.Response:
    """The answer to a request that announces a body of `length` and sends no more than its start."""
    address = urlsplit(servers.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(
            f"POST {address.path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {KEY['authorization']}\r\n"
            f"content-type: multipart/form-data; boundary=x\r\ncontent-length: {length}\r\n\r\n--x".encode()
        )
        top, _, body = client.makefile("rb").read(65536).partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    return httpx.Response(
        int(status.split()[1]), headers=dict(line.split(": ", 1) for line in lines), content=body
    )


def overloaded(servers: Servers) -> httpx.Response:
    servers.gate.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, servers.url)
        wait_until(lambda: any(progress.total for progress in servers.main.state.admission.in_flight))
        answer = post(servers.url)
        servers.gate.set()
        assert first.result().status_code == 200
    return answer


Situation = tuple[int, str, str | None, bool, Callable[[Servers], httpx.Response]]

SITUATIONS: list[Situation] = [
    (400, "invalid_request_error", None, False, lambda servers: post(servers.url, temperature="warm")),
    (400, "invalid_request_error", "invalid_audio", False, lambda servers: post(servers.url, b"no audio")),
    (401, "invalid_request_error", "invalid_api_key", False, lambda servers: httpx.post(servers.url)),
    (404, "invalid_request_error", "model_not_found", False, lambda servers: post(servers.url, model="x/y")),
    (404, "invalid_request_error", None, False, lambda servers: post(f"{servers.main.url}/v1/nothing")),
    (405, "invalid_request_error", None, False, lambda servers: httpx.get(servers.url, headers=KEY)),
    (408, "invalid_request_error", "upload_timeout", False, lambda servers: head(servers, 100)),
    (
        413,
        "invalid_request_error",
        "file_too_large",
        False,
        lambda servers: post(servers.url, wav(tone(40.0))),
    ),
    (
        415,
        "invalid_request_error",
        "unsupported_media_type",
        False,
        lambda servers: httpx.post(servers.url, json={"model": "whisper-1"}, headers=KEY),
    ),
    (429, "rate_limit_error", "server_overloaded", True, overloaded),
    (500, "server_error", None, False, lambda servers: post(servers.url, prompt="crash")),
    (
        501,
        "not_implemented_error",
        "stage_unavailable",
        False,
        lambda servers: post(servers.url, align="true"),
    ),
    (
        503,
        "server_error",
        "model_unavailable",
        True,
        lambda servers: post(f"{servers.without_detector.url}/v1/audio/transcriptions"),
    ),
    (507, "server_error", "insufficient_storage", True, lambda servers: head(servers, TERABYTE)),
]


def row(situation: Situation) -> Any:
    """A row of docs/compatibility.md for each."""
    status, _, code, can_retry, _ = situation
    name = f"{status} `{code}`" if code else f"{status}"
    how = f"the client raises `{raised_for(status)}`{' when it has tried again' if can_retry else ' at once'}"
    mark = pytest.mark.contract("Errors and headers", name, how)
    return pytest.param(situation, id=f"{status}-{code}", marks=mark)


def raised_for(status: int) -> str:
    """What the official client makes of a status."""
    named = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError"}
    return "InternalServerError" if status >= 500 else named.get(status, "APIStatusError")


@pytest.mark.contract("Errors and headers", "envelope", "message, type, param and code, for every refusal")
@pytest.mark.contract("Errors and headers", "`openai-processing-ms`", "on every answer")
@pytest.mark.contract("Errors and headers", "`retry-after`", "where a retry can help, at most 120 s")
@pytest.mark.parametrize("situation", [row(situation) for situation in SITUATIONS])
def test_a_refusal_says_what_is_wrong_and_whether_to_try_again(
    servers: Servers, situation: Situation
) -> None:
    status, kind, code, can_retry, provoke = situation
    servers.gate.set()
    answer = provoke(servers)
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (kind, code)
    answer.request = httpx.Request("POST", servers.url)
    client: Any = servers.main.client  # its types know only the successor of httpx
    raised = client._make_status_error_from_response(answer)
    assert type(raised).__name__ == raised_for(status)
    assert (raised.code, raised.type, raised.request_id) == (code, kind, answer.headers["x-request-id"])
    assert error["message"].endswith(".")
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["openai-processing-ms"]) >= 0
    if can_retry:
        assert 0 < int(answer.headers["retry-after"]) <= 120
        assert answer.headers.get("x-should-retry") != "false"
    else:
        assert answer.headers["x-should-retry"] == "false"
        assert "retry-after" not in answer.headers
