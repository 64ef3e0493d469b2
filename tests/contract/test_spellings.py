"""Requests as clients really send them: lists, absent values, names of models, streams of whisper-1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from config import Settings
from tests.durable.batches import answers, finished, line, recording, start
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server

contract = pytest.mark.contract
FIELDS = "Transcription fields"
TALK = wav(tone(2.0, 300), tone(2.0, 900))
WORDS = "timestamp_granularities"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("data")
    with running_server(
        Settings(_env_file=None, workspace_dir=folder, data_dir=folder), fake_loaders()
    ) as server:
        yield server


def post(server: RunningServer, *fields: tuple[str, str], path: str = "transcriptions") -> httpx.Response:
    """The parts are written by hand: httpx would encode the names."""
    named = [("model", "whisper-1"), *fields]
    parts = [f'--x\r\ncontent-disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in named]
    file = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = "".join([*parts, file]).encode() + TALK + b"\r\n--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    return httpx.post(f"{server.url}/v1/audio/{path}", content=body, headers=headers, timeout=60)


@contract(
    FIELDS,
    "lists",
    "repeated names, bare, in brackets or percent-encoded; JSON text; commas, except in texts",
)
@pytest.mark.parametrize(
    "sent",
    [
        [(f"{WORDS}[]", "word"), (f"{WORDS}[]", "segment")],
        [(quote(f"{WORDS}[]"), "word"), (f"{WORDS}%5b1%5d", "segment")],
        [(WORDS, '["word", "segment"]')],
        [(quote(f"{WORDS}[]"), "word,segment")],
    ],
)
@pytest.mark.parametrize("path", ["transcriptions", "translations"])
def test_a_list_is_understood_however_it_is_sent(
    server: RunningServer, sent: list[tuple[str, str]], path: str
) -> None:
    answer = post(server, ("response_format", "verbose_json"), *sent, path=path).json()
    assert answer["words"]
    assert answer["segments"]


@contract(FIELDS, "absent values", "empty, `null`, `None` and `undefined` count as not sent, in every field")
@pytest.mark.parametrize("absent", ["null", "None", "undefined", ""])
def test_absent_values_do_not_count(server: RunningServer, absent: str) -> None:
    names = (
        "stream",
        "language",
        "diarize",
        "num_speakers",
        "temperature",
        "chunking_strategy",
        "background",
    )
    answer = post(server, *((name, absent) for name in names))
    assert (answer.status_code, answer.json()["text"]) == (200, post(server).json()["text"])


@contract(FIELDS, "`stream`")
@pytest.mark.parametrize("form", ["srt", "vtt", "verbose_json"])
def test_whisper_1_answers_plainly_what_cannot_be_streamed(server: RunningServer, form: str) -> None:
    streamed = post(server, ("response_format", form), ("stream", "true"))
    plain = post(server, ("response_format", form))
    assert (streamed.status_code, streamed.content) == (200, plain.content)
    assert streamed.headers["content-type"] == plain.headers["content-type"]


@contract(FIELDS, "`timestamp_granularities[]`")
def test_gpt_models_ignore_granularities_with_json(server: RunningServer) -> None:
    sent = [("response_format", "json"), (f"{WORDS}[]", "segment")]
    assert post(server, ("model", "gpt-4o-transcribe"), *sent).status_code == 200
    assert post(server, *sent).status_code == 400


@contract(FIELDS, "`diarize`")
def test_verbose_json_has_speakers_where_they_are_asked_for(server: RunningServer) -> None:
    verbose = ("response_format", "verbose_json")
    assert "turns" not in post(server, verbose).json()
    for asked in (("diarize", "true"), ("max_speakers", "3"), ("model", "gpt-4o-transcribe-diarize")):
        assert post(server, verbose, asked).json()["turns"]


@contract("Models", "`models.retrieve`")
@contract("Models", "other names of a model", "`openai/whisper-1`, `Systran/faster-whisper-base`, `base`, …")
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai/whisper-1", "whisper-1"),
        ("openai/gpt-4o-transcribe", "gpt-4o-transcribe"),
        ("openai/whisper-base", "whisper-base"),
        ("Systran/faster-whisper-base", "whisper-base"),
        ("base", "whisper-base"),
        ("whisper-large-v3-turbo", None),
    ],
)
def test_a_model_has_several_names(server: RunningServer, name: str, model: str | None) -> None:
    heard, found = post(server, ("model", name)), httpx.get(f"{server.url}/v1/models/{name}")
    if model is None:
        assert heard.status_code == found.status_code == 404
        return
    assert heard.json()["text"] == post(server).json()["text"]
    assert found.json()["id"] == model
    assert model in {listed["id"] for listed in httpx.get(f"{server.url}/v1/models").json()["data"]}
    slots = server.state.models.reports()
    assert [slot for slot in slots if slot.startswith("whisper")] == ["whisper"]


def test_lines_of_batches_are_read_alike(server: RunningServer) -> None:
    client = server.client
    talk = recording(client, 2.0)
    bodies: dict[str, dict[str, Any]] = {
        "list": {"timestamp_granularities": ["word", "segment"]},
        "text": {"timestamp_granularities": "word,segment", "language": "null", "stream": None},
        "json": {"timestamp_granularities": json.dumps(["word", "segment"]), "keywords": [None]},
        "name": {"timestamp_granularities": ["word", "segment"], "model": "openai/whisper-base"},
    }
    lines = [line(name, talk, response_format="verbose_json", **body) for name, body in bodies.items()]
    batch = finished(client, start(client, *lines))
    found = answers(client, batch.output_file_id)
    words = [found[name]["response"]["body"]["words"] for name in bodies]
    assert words[0]
    assert words == [words[0]] * len(bodies)


def test_a_model_that_is_not_there_is_refused_in_a_batch(server: RunningServer) -> None:
    client = server.client
    batch = finished(client, start(client, line("a", recording(client, 1.0), model="whisper-large-v3")))
    assert batch.errors
    assert [error.param for error in batch.errors.data or []] == ["model"]


def test_clips_that_are_too_large_are_not_to_be_split(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace_dir=tmp_path, data_dir=tmp_path, max_upload_mb=1)
    with running_server(settings, fake_loaders()) as server:
        files = {"file": ("a.wav", bytes(2**21))}
        answer = httpx.post(f"{server.url}/v1/speakers", data={"name": "Ann"}, files=files)
    assert answer.status_code == 413
    assert "a clip needs only 2 to 60 seconds" in answer.json()["error"]["message"]
