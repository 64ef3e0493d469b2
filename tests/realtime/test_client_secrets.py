"""Client secrets, which web pages open sessions with, and the doors that this server does not have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI
from openai.types.beta.realtime.transcription_session import TranscriptionSession
from openai.types.realtime.client_secret_create_response import ClientSecretCreateResponse
from websockets.exceptions import InvalidStatus

from services.live.secrets import MAX_SECRETS, ClientSecrets
from tests.realtime.clients import LiveServer, live_server

KEYS = ("first-secret", "second-secret")
SESSION = {
    "type": "transcription",
    "audio": {
        "input": {"transcription": {"model": "gpt-4o-transcribe", "language": "de"}, "turn_detection": None}
    },
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("work"), api_keys=",".join(KEYS)) as running:
        yield running


def post(server: LiveServer, path: str, body: object = None, key: str = KEYS[0]) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{server.running.url}/v1/realtime/{path}", json=body or {}, headers=headers)


def page(secret: str) -> dict[str, Any]:
    """How a browser connects."""
    return {
        "subprotocols": ["realtime", f"openai-insecure-api-key.{secret}"],
        "origin": "https://app.example",
    }


def test_a_secret_opens_sessions_that_are_set_up(guarded: LiveServer) -> None:
    answer = post(guarded, "client_secrets", {"session": SESSION})
    secret = ClientSecretCreateResponse.model_validate_json(answer.content, strict=True)
    assert secret.value.startswith("ek_")
    assert abs(secret.expires_at - time.time() - 600) < 10
    assert answer.json()["session"]["expires_at"] == secret.expires_at
    for _ in range(2):
        with guarded.connected(**page(secret.value)) as client:
            told = client.received[0]["session"]["audio"]["input"]
            assert (told["transcription"]["language"], told["turn_detection"]) == ("de", None)
            assert client.update(transcription={"language": "fr"})
        assert guarded.session.options[0].decode.language == "de"
        assert guarded.session.options[1].decode.language == "fr"


def test_a_secret_belongs_to_the_owner_of_the_key(guarded: LiveServer) -> None:
    for key in KEYS:
        secret = post(guarded, "client_secrets", key=key).json()["value"]
        with (
            guarded.connected(**page(secret)),
            guarded.connected(additional_headers={"api-key": key}),
            guarded.connected(additional_headers={"Authorization": f"Bearer {secret}"}),
        ):
            assert len(set(guarded.live.owners[-3:])) == 1
    assert len(set(guarded.live.owners)) >= 2


def test_a_secret_opens_nothing_else(guarded: LiveServer) -> None:
    secret = post(guarded, "client_secrets").json()["value"]
    for path in ("client_secrets", "../models"):
        assert post(guarded, path, key=secret).status_code == 401


def test_a_secret_expires(guarded: LiveServer) -> None:
    body = {"expires_after": {"anchor": "created_at", "seconds": 10}}
    secret = post(guarded, "client_secrets", body).json()
    assert abs(secret["expires_at"] - time.time() - 10) < 5
    clock = [1000.0]
    secrets = ClientSecrets[str](lambda: clock[0])
    value, expires_at = secrets.create("owner", 10, "session")
    assert expires_at == 1010
    clock[0] = 1009.9
    assert secrets.find(value)
    clock[0] = 1010.0
    assert secrets.find(value) is None


def test_the_oldest_secret_of_an_owner_makes_room() -> None:
    secrets = ClientSecrets[str]()
    other, _ = secrets.create("other", 600, "")
    first, *rest = (secrets.create("owner", 600, "")[0] for _ in range(MAX_SECRETS + 1))
    assert secrets.find(first) is None
    assert all(map(secrets.find, [other, *rest]))


def test_without_keys_secrets_work_all_the_same(server: LiveServer) -> None:
    secret = post(server, "client_secrets", {"session": SESSION}).json()["value"]
    with server.connected(subprotocols=["realtime", f"openai-insecure-api-key.{secret}"]) as client:
        assert client.received[0]["session"]["audio"]["input"]["transcription"]["language"] == "de"
    with pytest.raises(InvalidStatus), server.connected(subprotocols=["openai-insecure-api-key.ek_gone"]):
        pass
    with server.connected(subprotocols=["realtime", "openai-insecure-api-key.unused"]):
        pass


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
        ({"session": 5}, "session"),
        ({"session": {"audio": {"input": {"format": {"rate": 1}}}}}, "session.audio.input.format.rate"),
    ],
)
def test_a_wrong_value_is_refused(server: LiveServer, body: object, param: str) -> None:
    answer = post(server, "client_secrets", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_secret_of_a_conversation_opens_a_transcription(server: LiveServer) -> None:
    session = {"type": "realtime", "model": "gpt-realtime", "audio": {"output": {"voice": "marin"}}}
    answer = post(server, "client_secrets", {"session": session})
    assert answer.json()["session"]["type"] == "transcription"


def test_the_official_client_creates_secrets(server: LiveServer) -> None:
    with OpenAI(base_url=f"{server.running.url}/v1", api_key="unused", max_retries=0) as caller:
        secret = caller.realtime.client_secrets.create(session={"type": "transcription"})
        assert secret.session.type == "transcription"
        beta = caller.beta.realtime.transcription_sessions.create(input_audio_format="g711_ulaw")
        assert beta.client_secret.value


def test_the_beta_has_its_own_spelling(guarded: LiveServer) -> None:
    body = {
        "input_audio_format": "g711_alaw",
        "input_audio_transcription": {"model": "whisper-1", "language": "en"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 900},
        "client_secret": {"expires_at": {"anchor": "created_at", "seconds": 60}},
        "modalities": ["text"],
    }
    answer = post(guarded, "transcription_sessions", body)
    session = TranscriptionSession.model_validate_json(answer.content, strict=True)
    assert abs(session.client_secret.expires_at - time.time() - 60) < 10
    assert session.input_audio_format == "g711_alaw"
    with guarded.connected(**page(session.client_secret.value)) as client:
        client.is_checked = False
        told = client.received[0]["session"]["audio"]["input"]
        assert told["format"] == {"type": "audio/pcma"}
        assert told["turn_detection"]["silence_duration_ms"] == 900
    answer = post(guarded, "transcription_sessions", {"input_audio_format": "opus"})
    assert answer.json()["error"]["param"] == "session.input_audio_format"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("sessions", 404, "not_supported"),
        ("calls", 501, "not_supported"),
        ("calls/rtc_1/accept", 501, "not_supported"),
        ("calls/rtc_1/hangup", 501, "not_supported"),
        ("translations", 404, "not_supported"),
        ("translations/client_secrets", 404, "not_supported"),
    ],
)
def test_what_is_not_here_names_what_is(server: LiveServer, path: str, status: int, code: str) -> None:
    answer = post(server, path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert "WebSocket to /v1/realtime" in error["message"]
