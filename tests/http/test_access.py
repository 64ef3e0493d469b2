"""API keys: who is answered, and what is answered without one."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openai
import pytest
from openai import OpenAI
from pydantic import ValidationError

from config import Settings
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server

KEYS = ("first-secret", "second-secret", "from-a-file")
SPEECH = wav(tone(2.0))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("work")
    (folder / "keys").write_text(f"{KEYS[2]}\n\n")
    settings = Settings(
        _env_file=None,
        api_keys=f"{KEYS[0]}, {KEYS[1]}",
        api_keys_file=folder / "keys",
        workspace_dir=folder / "work",
    )
    with running_server(settings, fake_loaders()) as running:
        yield running


def client(server: RunningServer, key: str) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.contract("Errors and headers", "`Authorization: Bearer`", "any of the keys is accepted")
def test_every_key_is_accepted(server: RunningServer, key: str) -> None:
    with client(server, key) as caller:
        answer = caller.audio.transcriptions.create(model="whisper-1", file=("a.wav", SPEECH))
    assert answer.text == "w w"


@pytest.mark.parametrize("key", ["wrong", "first-secret,second-secret", "first-secre", "FIRST-SECRET", "é"])
def test_another_key_is_refused(server: RunningServer, key: str) -> None:
    headers = {b"authorization": f"Bearer {key}".encode("latin-1")}
    answer = httpx.get(f"{server.url}/v1/models", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] | {"message": ""} == {
        "message": "",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-request-id"]


@pytest.mark.contract("Errors and headers", "401 `invalid_api_key`")
def test_the_official_client_sees_an_authentication_error(server: RunningServer) -> None:
    with client(server, "wrong") as caller, pytest.raises(openai.AuthenticationError) as refusal:
        caller.models.list()
    assert refusal.value.code == "invalid_api_key"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic first-secret", "first-secret"])
@pytest.mark.contract("Errors and headers", "401 `invalid_api_key`")
def test_a_request_without_a_bearer_key_is_refused(server: RunningServer, header: str) -> None:
    assert httpx.get(f"{server.url}/v1/models", headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/v1/models", "/nothing", "/healthy", "/health/../v1", "/docs../v1/models"]
)
def test_every_other_path_needs_a_key(server: RunningServer, path: str) -> None:
    assert httpx.get(f"{server.url}{path}").status_code == 401


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
@pytest.mark.contract("Errors and headers", "`/health`")
def test_health_needs_no_key(server: RunningServer, path: str) -> None:
    assert httpx.get(f"{server.url}{path}").status_code == 200


def test_a_request_without_a_key_is_refused_before_its_body_is_sent(server: RunningServer) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as caller:
        caller.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n"
            b"expect: 100-continue\r\ncontent-type: multipart/form-data; boundary=x\r\n\r\n"
        )
        assert caller.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_no_key_is_ever_logged(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for key in (*KEYS, "mistyped-secret"):
        httpx.get(f"{server.url}/v1/models", headers={"authorization": f"Bearer {key}"})
    assert "/v1/models" in caplog.text
    assert not [key for key in (*KEYS, "mistyped-secret") if key in caplog.text]


def test_keys_that_cannot_be_meant_stop_the_start_and_are_not_printed(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for wrong in (
        {"api_keys": "two words"},
        {"api_keys": " , "},
        {"api_keys": "k" * 257},
        {"api_keys": ",".join(f"key{n}" for n in range(1001))},
        {"api_keys_file": tmp_path / "empty"},
        {"api_keys_file": tmp_path / "missing"},
    ):
        with pytest.raises(ValidationError, match="API_KEYS") as refusal:
            Settings(_env_file=None, **wrong)
        assert "two words" not in str(refusal.value)


@pytest.mark.parametrize("own", ["job-17:retry.2", "A" * 128])
@pytest.mark.contract(
    "Errors and headers", "`x-request-id`", "on every answer; the caller's own where it is sane"
)
def test_the_callers_request_id_is_kept(server: RunningServer, own: str) -> None:
    assert httpx.get(f"{server.url}/health", headers={"x-request-id": own}).headers["x-request-id"] == own


@pytest.mark.parametrize("own", ["A" * 129, "two words", "<b>", "a,b", "é", ""])
@pytest.mark.contract("Errors and headers", "`x-request-id`")
def test_a_request_id_that_is_not_sane_is_ours(server: RunningServer, own: str) -> None:
    answer = httpx.get(f"{server.url}/health", headers={b"x-request-id": own.encode("latin-1")})
    assert answer.headers["x-request-id"].startswith("req_")
