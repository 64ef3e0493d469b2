"""Uploads over HTTP: too large, too long, stalled, unusual but valid; and that nothing is left of them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.http.form_requests import SPEECH, Parts, post, refusal
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer


@pytest.mark.contract("Errors and headers", "413 `file_too_large`")
def test_an_upload_that_is_too_large(server: RunningServer) -> None:
    assert refusal(post(server, b"x" * 1_500_000), 413, "file")["code"] == "file_too_large"


def test_an_upload_that_does_not_say_how_large_it_is(server: RunningServer) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(24):
            yield b"\x00" * 65536

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{server.url}/v1/audio/transcriptions", content=body(), headers=headers)
    refusal(answer, 413, "file")


@pytest.mark.contract("Errors and headers", "413 `file_too_large`")
def test_a_recording_that_is_too_long(server: RunningServer) -> None:
    assert "longer than" in refusal(post(server, wav(tone(25.0))), 413, "file")["message"]


def test_a_body_that_goes_on_after_its_form(server: RunningServer) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n'
        for _ in range(40):
            yield b" " * 65536

    headers = {"content-type": "multipart/form-data; boundary=x"}
    refusal(httpx.post(f"{server.url}/v1/audio/transcriptions", content=body(), headers=headers), 413, "file")


@pytest.mark.contract("Errors and headers", "408 `upload_timeout`")
def test_an_upload_that_stalls_is_no_longer_in_flight(server: RunningServer) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        head = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n"
        client.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "x-should-retry: false" in answer
    assert server.state.admission.in_flight == []


@pytest.mark.contract("Response formats", "a silent recording", "200 and an empty text, in every format")
def test_silence_is_no_error(server: RunningServer) -> None:
    for form in ("json", "verbose_json", "diarized_json"):
        answer = post(server, wav(silence(3.0)), response_format=form)
        assert answer.status_code == 200
        assert answer.json()["text"] == ""
    assert post(server, wav(silence(3.0)), response_format="text").text.strip() == ""
    assert post(server, wav(silence(3.0)), response_format="vtt").text.strip() == "WEBVTT"


def test_a_truncated_recording_gives_what_is_there(server: RunningServer) -> None:
    answer = post(server, wav(tone(4.0))[:-32_000])
    assert json.loads(answer.text)["usage"]["seconds"] == pytest.approx(3.0, abs=0.01)


def test_a_client_cannot_choose_a_path(server: RunningServer, tmp_path: Path) -> None:
    before = set(tmp_path.parent.iterdir())
    files: Parts = [
        ("model", (None, "whisper-1")),
        ("file", (f"../../../..{tmp_path}/evil.wav", SPEECH)),
    ]
    answer = httpx.post(f"{server.url}/v1/audio/transcriptions", files=files)
    assert answer.status_code == 200
    assert set(tmp_path.parent.iterdir()) == before
    assert not list(tmp_path.iterdir())


@pytest.mark.contract("Transcription fields", "fields after the file", "count too")
def test_fields_after_the_file_count_too(server: RunningServer) -> None:
    files: Parts = [
        ("file", ("a.wav", SPEECH)),
        ("model", (None, "whisper-1")),
        ("response_format", (None, "text")),
    ]
    answer = httpx.post(f"{server.url}/v1/audio/transcriptions", files=files)
    assert answer.text == "w w\n"


def test_no_workspace_outlives_its_request(server: RunningServer) -> None:
    post(server)
    post(server, b"not audio")
    post(server, b"x" * 1_500_000)
    assert list(server.state.temp.root.iterdir()) == []
