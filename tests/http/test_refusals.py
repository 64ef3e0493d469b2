"""Everything the server refuses, over the wire: status, envelope, parameter, and nothing left behind."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from config import Settings
from loaders import Loaders
from tests.fakes import LoudnessDetector, ScriptedRecogniser, fake_diarizer
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, running_server
from utils.model_manager import ModelSource

SPEECH = wav(tone(2.0))

Parts = list[tuple[str, tuple[str | None, str | bytes]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None,
        workspace_dir=tmp_path_factory.mktemp("work"),
        max_upload_mb=1,
        max_audio_hours=20 / 3600,
        upload_idle_seconds=1,
    )
    loaders = Loaders(
        ModelSource("whisper-base", ScriptedRecogniser),
        ModelSource("loudness", LoudnessDetector),
        fake_diarizer,
    )
    with running_server(settings, loaders) as running:
        yield running


def post(server: RunningServer, file: bytes | None = SPEECH, **fields: str | None) -> httpx.Response:
    files = {} if file is None else {"file": ("talk.wav", file)}
    data = {"model": "whisper-1"} | fields
    parts: Parts = [(name, (None, str(value))) for name, value in data.items() if value is not None]
    return httpx.post(f"{server.url}/v1/audio/transcriptions", files=[*parts, *files.items()])


def refusal(answer: httpx.Response, status: int, param: str | None) -> dict[str, Any]:
    """The error of an envelope that is exactly as the official client reads it."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert error["message"]
    assert answer.headers["x-request-id"].startswith("req_")
    return error


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"this is no audio at all" * 100, "could not be decoded"),
        (b"\x00" * 4096, "could not be decoded"),
        (b"", "could not be decoded"),
        (wav(), "too short"),
        (wav(tone(0.05)), "too short"),
        (SPEECH[:20], "could not be decoded"),
        (b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n", "could not be decoded"),
    ],
    ids=["not audio", "zeros", "empty", "zero samples", "too short", "cut in its header", "a playlist"],
)
@pytest.mark.contract("Errors and headers", "400 `invalid_audio`")
def test_what_is_no_audio(server: RunningServer, file: bytes, says: str) -> None:
    assert says in refusal(post(server, file), 400, "file")["message"]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody/knows-it"}, 404, "model"),
        ({"response_format": "docx"}, 400, "response_format"),
        ({"timestamp_granularities[]": "word"}, 400, "timestamp_granularities"),
        (
            {"response_format": "verbose_json", "timestamp_granularities[]": "syllable"},
            400,
            "timestamp_granularities",
        ),
        ({"temperature": "warm"}, 400, "temperature"),
        ({"temperature": "1.5"}, 400, "temperature"),
        ({"temperature": "nan"}, 400, "temperature"),
        ({"num_speakers": "two"}, 400, "num_speakers"),
        ({"num_speakers": "0"}, 400, "num_speakers"),
        ({"min_speakers": "3", "max_speakers": "2"}, 400, "max_speakers"),
        ({"language": "klingon"}, 400, "language"),
        ({"prompt": "x" * 10_001}, 400, "prompt"),
        ({"stream": "true", "response_format": "srt"}, 400, "stream"),
        ({"stream": "true", "response_format": "verbose_json"}, 400, "stream"),
        ({"include[]": "logprobs", "response_format": "text"}, 400, "include"),
        ({"include[]": "words"}, 400, "include"),
        ({"chunking_strategy[type]": "semantic_vad"}, 400, "chunking_strategy"),
        ({"timestamp_granularity": "word"}, 400, "timestamp_granularity"),
        ({"align": "true"}, 501, "align"),
        ({"separate_vocals": "true"}, 501, "separate_vocals"),
        ({"separate_vocals": "auto"}, 501, "separate_vocals"),
        ({"restore_punctuation": "true"}, 501, "restore_punctuation"),
    ],
)
@pytest.mark.contract(
    "Errors and headers", "400, a wrong value", "`param` names the field, before the recording is read"
)
@pytest.mark.contract("Transcription fields", "misspelt fields", "a 400 that names it and what is meant")
def test_a_wrong_parameter_is_named(
    server: RunningServer, fields: dict[str, str | None], status: int, param: str
) -> None:
    refusal(post(server, SPEECH, **fields), status, param)
    refusal(post(server, None, **fields), status, param)


def test_no_model(server: RunningServer) -> None:
    refusal(post(server, SPEECH, model=None), 400, "model")


def test_no_file_part(server: RunningServer) -> None:
    refusal(post(server, None), 400, "file")


def test_two_files(server: RunningServer) -> None:
    parts: Parts = [("model", (None, "whisper-1")), ("file", ("a.wav", SPEECH)), ("file", ("b.wav", SPEECH))]
    refusal(httpx.post(f"{server.url}/v1/audio/transcriptions", files=parts), 400, "file")


@pytest.mark.contract("Errors and headers", "415 `unsupported_media_type`")
def test_not_a_form(server: RunningServer) -> None:
    url = f"{server.url}/v1/audio/transcriptions"
    refusal(httpx.post(url, json={"model": "whisper-1"}), 415, None)
    refusal(httpx.post(url, content=b"x", headers={"content-type": "multipart/form-data"}), 400, None)
    refusal(
        httpx.post(url, content=b"--x\r\n", headers={"content-type": "multipart/form-data; boundary=y"}),
        400,
        None,
    )


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


def test_an_unknown_path_and_a_wrong_method(server: RunningServer) -> None:
    refusal(httpx.get(f"{server.url}/v1/nothing"), 404, None)
    wrong = httpx.get(f"{server.url}/v1/audio/transcriptions")
    refusal(wrong, 405, None)
    assert wrong.headers["allow"] == "POST"


def test_a_boundary_that_is_too_long(server: RunningServer) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={'b' * 300}"}
    refusal(httpx.post(f"{server.url}/v1/audio/transcriptions", content=b"x", headers=headers), 400, None)


def test_a_body_that_goes_on_after_its_form(server: RunningServer) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n'
        for _ in range(40):
            yield b" " * 65536

    headers = {"content-type": "multipart/form-data; boundary=x"}
    refusal(httpx.post(f"{server.url}/v1/audio/transcriptions", content=body(), headers=headers), 413, "file")


@pytest.mark.contract("Errors and headers", "408 `upload_timeout`")
def test_an_upload_that_stalls_gives_its_place_back(server: RunningServer) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        head = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
        client.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "x-should-retry: false" in answer
    assert server.state.admission.in_flight == []


def test_what_people_say_and_what_files_are_called_is_not_logged(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    post(server, SPEECH, prompt="a secret prompt", response_format="verbose_json")
    post(server, b"no audio", prompt="a secret prompt")
    httpx.get(f"{server.url}/v1/models/x%0Aforged line")
    assert "/v1/audio/transcriptions" in caplog.text
    for private in ("secret", "talk.wav", " w w", "\nforged"):
        assert private not in caplog.text


@pytest.mark.contract("Errors and headers", "`x-should-retry`")
def test_a_refusal_is_not_to_be_retried(server: RunningServer) -> None:
    assert post(server, temperature="warm").headers["x-should-retry"] == "false"


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
    assert [path.name for path in server.state.temp.root.iterdir()] == ["lock"]
