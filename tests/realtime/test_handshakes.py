"""Who may open a session, and how others are refused: before the upgrade, with a status and the envelope."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.realtime.clients import LiveServer, live_server
from tests.realtime.scripted_session import ScriptedSessions
from tests.servers import wait_until

KEYS = ("first-secret", "second-secret")
SUBPROTOCOLS = [
    "realtime",
    f"openai-insecure-api-key.{KEYS[1]}",
    "openai-organization.org",
    "openai-project.p",
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("work"), api_keys=",".join(KEYS)) as running:
        yield running


def bearer(key: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}


def refusal(server: LiveServer, query: str = "?intent=transcription", **options: Any) -> tuple[int, Any, Any]:
    """Status, error and headers."""
    with pytest.raises(InvalidStatus) as refused, server.connected(query, **options):
        pass
    response = refused.value.response
    return response.status_code, json.loads(response.body)["error"], response.headers


@pytest.mark.parametrize(
    "options",
    [
        bearer(KEYS[1]),
        {"additional_headers": {"api-key": KEYS[1]}},
        {"subprotocols": SUBPROTOCOLS},
        {"subprotocols": SUBPROTOCOLS[::-1]},
    ],
)
def test_a_key_opens_a_session_of_its_owner(guarded: LiveServer, options: dict[str, Any]) -> None:
    with guarded.connected(**options) as client:
        assert client.received[0]["type"] == "session.created"
        assert client.socket.subprotocol == ("realtime" if "subprotocols" in options else None)
    with guarded.connected(**bearer(KEYS[0])):
        pass
    assert len(set(guarded.live.owners[-2:])) == 2
    assert "" not in guarded.live.owners


@pytest.mark.parametrize(
    "options",
    [
        {},
        bearer("wrong"),
        bearer("ek_unknown"),
        bearer(KEYS[0]) | {"additional_headers": {"Authorization": "Bearer x", "api-key": KEYS[0]}},
        {"subprotocols": ["realtime"]},
        {"subprotocols": ["realtime", "openai-insecure-api-key.wrong"]},
        {"subprotocols": ["realtime", "openai-insecure-api-key."]},
        {"subprotocols": ["realtime", KEYS[0]]},
    ],
)
def test_others_are_refused(guarded: LiveServer, options: dict[str, Any]) -> None:
    before = len(guarded.live.sessions)
    status, error, headers = refusal(guarded, **options)
    assert (status, error["code"], error["type"]) == (401, "invalid_api_key", "invalid_request_error")
    assert headers["x-request-id"]
    assert len(guarded.live.sessions) == before


def test_a_subprotocol_holds_no_key_of_other_requests(guarded: LiveServer) -> None:
    headers = {"sec-websocket-protocol": ", ".join(SUBPROTOCOLS)}
    assert httpx.get(f"{guarded.running.url}/v1/models", headers=headers).status_code == 401


def test_the_log_has_the_reason_and_never_a_key_or_what_is_said(
    guarded: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal(guarded, subprotocols=["realtime", "openai-insecure-api-key.mistyped-secret"])
    with guarded.connected(subprotocols=SUBPROTOCOLS) as client:
        client.update(transcription={"prompt": "what nobody may read"})
    wait_until(lambda: not guarded.live.open_ones)
    assert "The API key is missing or invalid" in caplog.text
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets")]
    assert not [line for line in ours if "secret" in line or "nobody" in line]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_number_of_sessions_is_the_limit(server: LiveServer) -> None:
    wait_until(lambda: not server.live.open_ones)
    server.live.limit = 1
    try:
        with server.connected():
            status, error, headers = refusal(server)
    finally:
        server.live.limit = ScriptedSessions().limit
    assert (status, error["code"], error["type"]) == (429, "server_overloaded", "rate_limit_error")
    assert int(headers["retry-after"]) > 0
    with server.connected():
        pass


@pytest.mark.parametrize(
    ("query", "model"),
    [
        ("", None),
        ("?intent=transcription", None),
        ("?model=gpt-4o-transcribe", "gpt-4o-transcribe"),
        ("?intent=transcription&model=whisper-base", "whisper-base"),
        ("?model=gpt-realtime", None),
        ("?intent=conversation&model=gpt-4o-realtime-preview", None),
    ],
)
def test_the_query_names_the_model_at_most(server: LiveServer, query: str, model: str | None) -> None:
    with server.connected(query) as client:
        transcription = client.received[0]["session"]["audio"]["input"]["transcription"]
        assert (transcription or {"model": None})["model"] == model
        assert client.transcript()


def test_the_model_of_the_query_is_a_default(server: LiveServer) -> None:
    with server.connected("?model=gpt-live-transcribe") as client:
        assert client.received[0]["session"]["audio"]["input"]["turn_detection"] is None
        session = client.update(transcription={"language": "de"})
        assert session["audio"]["input"]["transcription"]["model"] == "gpt-live-transcribe"
        session = client.update(transcription={"model": "whisper-1"})
        assert session["audio"]["input"]["transcription"]["model"] == "whisper-1"


def test_the_paths_of_others(server: LiveServer) -> None:
    for path in ("/openai/v1/realtime", "/openai/realtime", "/v1/realtime/"):
        with server.connected("?deployment=whisper-1", path) as client:
            assert client.received[0]["session"]["audio"]["input"]["transcription"]["model"] == "whisper-1"


def test_there_are_no_calls_to_join(server: LiveServer) -> None:
    status, error, _ = refusal(server, "?call_id=rtc_1")
    assert (status, error["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/v1/realtime/sessions", "/v1/realtime/translations", "/v1/models"])
def test_other_paths_have_no_websocket(server: LiveServer, path: str) -> None:
    status, error, headers = refusal(server, path=path)
    assert (status, error["code"]) == (404, "not_found")
    assert f"{path};" in error["message"]
    assert "/v1/realtime" in error["message"]
    assert headers["x-request-id"]


def test_a_path_cannot_write_lines_of_the_log(server: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    refusal(server, path="/a%0Db%1B")
    assert "/a%0Db%1B" in caplog.text
    assert not [record for record in caplog.records if "\r" in record.getMessage()]


def test_a_handshake_that_lost_its_upgrade_is_told_so(server: LiveServer) -> None:
    answer = httpx.get(f"{server.running.url}/v1/realtime?intent=transcription")
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "upgrade_required")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "", "x"]
)
def test_pages_of_others_may_not_connect_where_there_are_no_keys(server: LiveServer, origin: str) -> None:
    status, error, _ = refusal(server, origin=origin)
    assert (status, error["code"]) == (403, "origin_not_allowed")


def test_pages_of_the_server_may_connect(server: LiveServer) -> None:
    with server.connected(origin=server.running.url):
        pass


def test_with_keys_the_key_is_the_guard(guarded: LiveServer) -> None:
    with guarded.connected(origin="https://app.example", **bearer(KEYS[0])):
        pass


def test_pages_that_are_allowed_may_connect(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, origin = tmp_path_factory.mktemp("work"), "https://app.example"
    with live_server(folder, cors_origins=origin, root_path="/whisper") as running:
        for path in ("/v1/realtime", "/whisper/v1/realtime"):
            with running.connected(path=path, origin=origin):
                pass
        assert refusal(running, origin="https://app.example.evil")[0] == 403


def test_a_host_that_is_not_allowed_is_refused(server: LiveServer) -> None:
    address = urlsplit(server.url)
    with (
        socket.create_connection((address.hostname, address.port)) as connection,
        pytest.raises(InvalidStatus) as refused,
    ):
        connect("ws://rebound.example/v1/realtime", sock=connection)
    assert json.loads(refused.value.response.body)["error"]["code"] == "host_not_allowed"
