"""Calls from web pages: CORS, and the names that requests may address the server by."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from config import Settings
from routes.http.hosts import LOCAL_NAMES, allowed_hosts
from tests.fakes import ScriptedRecogniser
from tests.http.form_requests import SPEECH
from tests.servers import RunningServer, fake_loaders, running_server

PAGE = "https://app.example.com"
KEY = {"authorization": "Bearer the-key"}
SENT_BY_NODE = (
    "authorization, content-type, idempotency-key, openai-organization, openai-project, x-stainless-arch, "
    "x-stainless-lang, x-stainless-os, x-stainless-package-version, x-stainless-retry-count, "
    "x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout"
)


class BrokenRecogniser(ScriptedRecogniser):
    def language_probabilities(self, window: object) -> dict[str, float]:
        raise KeyError("a bug")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None,
        api_keys="the-key",
        cors_origins=f"{PAGE}/, app://obsidian.md",
        workspace_dir=tmp_path_factory.mktemp("work"),
    )
    with running_server(settings, fake_loaders(BrokenRecogniser)) as running:
        yield running


@pytest.mark.contract("Errors and headers", "CORS", "with `CORS_ORIGINS`: every request header, errors too")
def test_a_preflight_is_answered_before_the_key_is_asked(server: RunningServer) -> None:
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    answer = httpx.options(
        f"{server.url}/v1/audio/transcriptions",
        headers=asked | {"access-control-request-headers": SENT_BY_NODE},
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert [name for name in SENT_BY_NODE.split(", ") if name not in allowed] == []


@pytest.mark.contract("Errors and headers", "CORS", "with `CORS_ORIGINS`: every request header, errors too")
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/models", KEY, 200),
        ("/v1/models", {}, 401),
        ("/v1/models/none", KEY, 404),
        ("/v1/audio/transcriptions", KEY, 405),
    ],
)
def test_pages_may_read_answers_and_errors(
    server: RunningServer, path: str, headers: dict[str, str], status: int
) -> None:
    answer = httpx.get(f"{server.url}{path}", headers=headers | {"origin": PAGE})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = answer.headers["access-control-expose-headers"]
    assert {"x-request-id", "retry-after", "x-should-retry", "x-cache"} <= set(exposed.split(", "))


def test_pages_may_read_unexpected_errors(server: RunningServer) -> None:
    answer = httpx.post(
        f"{server.url}/v1/audio/transcriptions",
        data={"model": "whisper-1"},
        files={"file": ("a.wav", SPEECH)},
        headers=KEY | {"origin": "app://obsidian.md"},
    )
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "app://obsidian.md"
    assert answer.headers["x-request-id"]


def test_other_pages_may_not(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/v1/models", headers=KEY | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origins", ["app.example.com", "https://app.example.com/page", "https://a, b"])
def test_what_is_no_origin_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(ValidationError, match="CORS_ORIGINS"):
        Settings(_env_file=None, cors_origins=origins)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 401),
        ("LOCALHOST.", 401),
        ("127.0.0.1", 401),
        ("[::1]:8000", 401),
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[::2]", 403),
    ],
)
def test_by_default_only_local_names_are_answered(server: RunningServer, host: str, status: int) -> None:
    assert httpx.get(f"{server.url}/v1/models", headers={"host": host}).status_code == status
    assert httpx.get(f"{server.url}/health", headers={"host": host}).status_code == 200


def test_which_names_are_allowed() -> None:
    for address in ("127.0.0.1", "127.0.0.5", "::1", "localhost"):
        assert allowed_hosts("", address) == LOCAL_NAMES
    for address in ("0.0.0.0", "192.168.1.5", "::", "server.lan"):
        assert allowed_hosts("", address) == frozenset()
    assert allowed_hosts("Whisper.lan, [::1]:80,", "127.0.0.1") == {"whisper.lan", "::1"}
    assert allowed_hosts("whisper.lan,*", "127.0.0.1") == frozenset()


def test_subdomains_are_allowed_by_a_star(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(
        _env_file=None, allowed_hosts="*.example.com", workspace_dir=tmp_path_factory.mktemp("work")
    )
    with running_server(settings, fake_loaders()) as running:
        for host, status in (("a.example.com", 200), ("example.com", 403), ("notexample.com", 403)):
            assert httpx.get(f"{running.url}/v1/models", headers={"host": host}).status_code == status
