"""What the server refuses, over HTTP: status, envelope, parameter."""

from __future__ import annotations

import httpx
import pytest

from tests.http.form_requests import SPEECH, Parts, post, refusal
from tests.recordings import tone, wav
from tests.servers import RunningServer


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
        ({"model": "gpt-4o-transcribe", "stream": "true", "response_format": "srt"}, 400, "stream"),
        ({"model": "whisper-base", "stream": "true", "response_format": "verbose_json"}, 400, "stream"),
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


def test_an_unknown_path_and_a_wrong_method(server: RunningServer) -> None:
    refusal(httpx.get(f"{server.url}/v1/nothing"), 404, None)
    wrong = httpx.get(f"{server.url}/v1/audio/transcriptions")
    refusal(wrong, 405, None)
    assert wrong.headers["allow"] == "POST"


def test_a_boundary_that_is_too_long(server: RunningServer) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={'b' * 300}"}
    refusal(httpx.post(f"{server.url}/v1/audio/transcriptions", content=b"x", headers=headers), 400, None)


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
