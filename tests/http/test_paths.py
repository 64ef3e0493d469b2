"""Addresses as people and other clients write them: sub-paths, slashes, HEAD, Azure and Groq."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from openai import AzureOpenAI, OpenAI

from config import Settings
from tests.http.form_requests import SPEECH
from tests.servers import RunningServer, fake_loaders, running_server

KEY = {"authorization": "Bearer the-key"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None,
        api_keys="the-key",
        root_path="/whisper",
        workspace_dir=tmp_path_factory.mktemp("work"),
    )
    with running_server(settings, fake_loaders()) as running:
        yield running


@pytest.mark.contract(
    "Errors and headers", "`HEAD`, a slash at the end, a sub-path", "served, not redirected"
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/",
        "/v1/models/whisper-1/",
        "/whisper/v1/models",
        "/whisper/v1/models/",
        "/openai/v1/models",
        "/openai/models?api-version=2024-10-21",
        "/v1/files",
        "/v1/speakers",
        "/v1/batches",
        "/health",
        "/whisper/health/",
        "/docs",
        "/docs/",
        "/whisper/docs/swagger-ui.css",
        "/openapi.json",
    ],
)
def test_paths_are_served_without_a_redirect(server: RunningServer, method: str, path: str) -> None:
    answer = httpx.request(method, f"{server.url}{path}", headers=KEY)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0
    assert (answer.content == b"") == (method == "HEAD")


@pytest.mark.parametrize(
    "path", ["/", "/audio/transcriptions", "/api/v1/models", "/whisper", "/whisperv1/models"]
)
def test_another_path_is_told_where_the_api_is(server: RunningServer, path: str) -> None:
    answer = httpx.get(f"{server.url}{path}", headers=KEY)
    assert answer.status_code == 404
    assert "/whisper/v1" in answer.json()["error"]["message"]


@pytest.mark.parametrize("prefix", ["", "/whisper"])
def test_the_documentation_needs_no_other_host_and_no_key(server: RunningServer, prefix: str) -> None:
    page = httpx.get(f"{server.url}{prefix}/docs").text
    assert "http:" not in page
    assert "https:" not in page
    links = re.findall(r"(?:src|href)=\"(.*?)\"", page) + re.findall(r"url: '(.*?)'", page)
    assert "/whisper/openapi.json" in links
    assert len(links) == 4
    for link in links:
        assert httpx.get(f"{server.url}{link}").status_code == 200
    document = httpx.get(f"{server.url}{prefix}/openapi.json").json()
    assert document["servers"] == [{"url": "/whisper"}]
    assert document["security"] == [{"key": []}]
    for name in ("other.js", "..%2Fmain.py", "__init__.py"):
        assert httpx.get(f"{server.url}{prefix}/docs/{name}").status_code in (400, 404, 422)


@pytest.mark.contract("Errors and headers", "Azure's paths and `api-key`", "with and without a deployment")
def test_the_client_for_azure(server: RunningServer) -> None:
    with AzureOpenAI(
        azure_endpoint=server.url, api_key="the-key", api_version="2024-10-21", max_retries=0
    ) as client:
        assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", SPEECH)).text == "w w"
        assert client.models.list().data


@pytest.mark.contract("Errors and headers", "Azure's paths and `api-key`", "with and without a deployment")
def test_the_client_for_azure_with_a_deployment(server: RunningServer) -> None:
    with AzureOpenAI(
        azure_endpoint=server.url,
        azure_deployment="whisper-1",
        api_key="the-key",
        api_version="2024-10-21",
        max_retries=0,
    ) as client:
        assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", SPEECH)).text == "w w"


@pytest.mark.parametrize("background", [{}, {"background": "true"}])
def test_a_deployment_names_the_model_where_the_form_does_not(
    server: RunningServer, background: dict[str, str]
) -> None:
    for deployment, status in (("whisper-1", 200), ("nothing", 404)):
        answer = httpx.post(
            f"{server.url}/openai/deployments/{deployment}/audio/transcriptions?api-version=2024-10-21",
            data=background,
            files={"file": ("a.wav", SPEECH)},
            headers={"api-key": "the-key"},
        )
        assert answer.status_code == status


@pytest.mark.parametrize("headers", [{"api-key": "wrong"}, {"api-key": ""}, {"authorization": "the-key"}])
def test_another_api_key_header_is_refused(server: RunningServer, headers: dict[str, str]) -> None:
    assert httpx.get(f"{server.url}/v1/models", headers=headers).status_code == 401


@pytest.mark.contract("Errors and headers", "Groq's base path", "`/openai/v1`")
def test_the_base_path_of_groq(server: RunningServer) -> None:
    with OpenAI(base_url=f"{server.url}/openai/v1", api_key="the-key", max_retries=0) as client:
        assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", SPEECH)).text == "w w"
