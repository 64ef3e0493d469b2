"""Batches through the official client: lines in, answers out, whatever happens between."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from config import Settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.serve_fakes import killable_server, runs
from tests.servers import RunningServer, fake_loaders, running_server

URL = "/v1/audio/transcriptions"
OVER = ("completed", "failed", "expired", "cancelled")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders()) as running:
        yield running


def client_of(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)


def recording(client: OpenAI, seconds: float) -> str:
    return client.files.create(file=("talk.wav", wav(tone(seconds))), purpose="user_data").id


def line(custom_id: str, file_id: str, **body: Any) -> dict[str, Any]:
    body = {"model": "whisper-1", "file_id": file_id} | body
    return {"custom_id": custom_id, "method": "POST", "url": URL, "body": body}


def start(client: OpenAI, *lines: dict[str, Any] | str, window: str = "24h", endpoint: str = URL) -> Batch:
    text = "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines)
    file = client.files.create(file=("lines.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=endpoint,  # type: ignore[arg-type]
        completion_window=window,  # type: ignore[arg-type]
        metadata={"from": "a test"},
    )


def finished(client: OpenAI, batch: Batch) -> Batch:
    deadline = time.monotonic() + 60
    while batch.status not in OVER:
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    return batch


def answers(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    assert file_id
    lines = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    return {entry["custom_id"]: entry for entry in lines}


@pytest.mark.contract(
    "Files and batches", "output and error files", "a line each, with the body of the plain answer"
)
def test_every_line_is_answered_as_the_endpoint_would(server: RunningServer) -> None:
    client = server.client
    talk, noise = recording(client, 3.0), client.files.create(file=("x", b"noise"), purpose="user_data").id
    batch = start(
        client,
        line("plain", talk),
        line("rich", talk, response_format="verbose_json", timestamp_granularities=["word", "segment"]),
        "",
        line("subtitles", talk, response_format="srt", temperature=0, diarize=True),
        line("noise", noise),
    )
    assert batch.status == "validating"
    assert batch.metadata == {"from": "a test"}
    batch = finished(client, batch)
    assert batch.status == "completed", batch
    assert batch.in_progress_at
    assert batch.finalizing_at
    assert batch.completed_at
    assert batch.request_counts
    assert batch.request_counts.model_dump() == {"total": 4, "completed": 3, "failed": 1}

    done, failed = answers(client, batch.output_file_id), answers(client, batch.error_file_id)
    assert list(done) == ["plain", "rich", "subtitles"]
    forms: dict[str, dict[str, Any]] = {
        "plain": {},
        "rich": {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
        "subtitles": {"response_format": "srt", "diarize": "true"},
    }
    for custom_id, fields in forms.items():
        plain = httpx.post(
            f"{server.url}{URL}",
            data={"model": "whisper-1"} | fields,
            files={"file": ("talk.wav", wav(tone(3.0)))},
        )
        response = done[custom_id]["response"]
        assert (response["status_code"], done[custom_id]["error"]) == (200, None)
        assert response["body"] == (plain.text if custom_id == "subtitles" else plain.json())
    assert failed["noise"]["response"]["status_code"] == 400
    assert failed["noise"]["response"]["body"]["error"]["code"] == "invalid_audio"
    assert client.files.retrieve(str(batch.output_file_id)).purpose == "batch_output"


@pytest.mark.contract("Files and batches", "`batches.create`, `retrieve`")
def test_a_batch_may_translate(server: RunningServer) -> None:
    client = server.client
    url = "/v1/audio/translations"
    entry = line("a", recording(client, 2.0), response_format="verbose_json") | {"url": url}
    batch = finished(client, start(client, entry, endpoint=url))
    body = answers(client, batch.output_file_id)["a"]["response"]["body"]
    assert (body["task"], body["language"]) == ("translate", "english")
    mixed = finished(client, start(client, entry))
    assert mixed.errors
    assert mixed.errors.data
    assert mixed.errors.data[0].param == "url"


@pytest.mark.contract("Files and batches", "`failed`", "`errors` names each wrong line")
def test_an_input_with_wrong_lines_fails_and_says_which(server: RunningServer) -> None:
    client = server.client
    talk = recording(client, 1.0)
    batch = finished(
        client,
        start(
            client,
            line("a", talk),
            "not json",
            line("a", talk),
            line("c", "file-none"),
            line("d", talk, temperature=9),
            line("e", talk, model="none"),
            line("f", talk) | {"url": "/v1/responses"},
            line("g", talk) | {"method": "GET"},
        ),
    )
    assert batch.status == "failed"
    assert batch.failed_at
    assert batch.errors
    assert batch.errors.data
    wrong = [(error.line, error.param) for error in batch.errors.data]
    assert wrong == [
        (2, None),
        (3, "custom_id"),
        (4, "body.file_id"),
        (5, "temperature"),
        (6, "model"),
        (7, "url"),
        (8, "method"),
    ]
    assert all(error.code and error.message for error in batch.errors.data)
    empty = finished(client, start(client, " "))
    assert empty.errors
    assert empty.errors.data
    assert empty.errors.data[0].code == "empty_file"


@pytest.mark.contract("Files and batches", "wrong fields")
def test_wrong_requests_are_refused_by_name(server: RunningServer) -> None:
    client = server.client
    file = client.files.create(file=("lines.jsonl", b"{}"), purpose="user_data")
    right = {"input_file_id": file.id, "endpoint": URL, "completion_window": "24h"}
    for change, status, param in (
        ({}, 400, "input_file_id"),
        ({"input_file_id": "file-none"}, 404, "file_id"),
        ({"endpoint": "/v1/responses"}, 400, "endpoint"),
        ({"completion_window": "soon"}, 400, "completion_window"),
        ({"completion_window": "721h"}, 400, "completion_window"),
        ({"metadata": {"a": "b" * 513}}, 400, "metadata.a"),
    ):
        answer = httpx.post(f"{server.url}/v1/batches", json=right | change)
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert httpx.post(f"{server.url}/v1/batches", content=b"[" * 100_000).status_code == 400
    for attempt in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            attempt("batch_none")


@pytest.mark.contract("Files and batches", "keys")
def test_the_batches_of_one_key_are_nothing_to_another(tmp_path: Path) -> None:
    keys = ("first-key-of-the-tests", "second-key-of-the-tests")
    settings = Settings(_env_file=None, workspace_dir=tmp_path, api_keys=",".join(keys))
    with running_server(settings, fake_loaders()) as server:
        mine, other = (server.client.with_options(api_key=key) for key in keys)
        talk = recording(mine, 1.0)
        batch = start(mine, line("a", talk))
        assert list(other.batches.list()) == []
        for attempt in (other.batches.retrieve, other.batches.cancel):
            with pytest.raises(openai.NotFoundError):
                attempt(batch.id)
        assert finished(mine, batch).status == "completed"
        stolen = finished(other, start(other, line("a", talk)))
        assert stolen.errors
        assert stolen.errors.data
        assert stolen.errors.data[0].param == "body.file_id"


@pytest.mark.contract("Files and batches", "`batches.cancel`", "what is done is kept")
@pytest.mark.contract("Files and batches", "`batches.list`", "newest first, in pages")
def test_a_cancelled_batch_keeps_what_was_done(tmp_path: Path) -> None:
    gate = threading.Event()
    recogniser = ScriptedRecogniser(gate=gate)
    settings = Settings(_env_file=None, workspace_dir=tmp_path, jobs_at_once=1)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        gate.set()
        first = finished(client, start(client, line("done", recording(client, 2.0))))
        assert first.status == "completed"
        with pytest.raises(openai.BadRequestError):
            client.batches.cancel(first.id)
        gate.clear()
        talk = recording(client, 2.0)
        batch = start(client, *(line(str(number), talk) for number in range(5)))
        while len(recogniser.batches) < 2:
            time.sleep(0.01)
        assert client.batches.cancel(batch.id).status == "cancelling"
        gate.set()
        batch = finished(client, batch)
        assert batch.status == "cancelled"
        assert batch.cancelled_at
        assert [listed.id for listed in client.batches.list(limit=1)] == [batch.id, first.id]
        missing = answers(client, batch.error_file_id)
        assert {entry["error"]["code"] for entry in missing.values()} == {"batch_cancelled"}
        assert len(recogniser.batches) == 2


def test_batches_take_turns(tmp_path: Path) -> None:
    gate = threading.Event()
    recogniser = ScriptedRecogniser(gate=gate)
    settings = Settings(_env_file=None, workspace_dir=tmp_path, jobs_at_once=1)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        talk = recording(client, 2.0)
        long = start(client, *(line(str(number), talk) for number in range(20)))
        while not recogniser.batches:
            time.sleep(0.01)
        short = start(client, line("short", talk))
        while client.batches.retrieve(short.id).status == "validating":
            time.sleep(0.01)
        gate.set()
        assert finished(client, short).status == "completed"
        counts = client.batches.retrieve(long.id).request_counts
        assert counts
        assert counts.completed < 20
        assert finished(client, long).status == "completed"


@pytest.mark.contract("Files and batches", "a server that is killed", "finished lines are not run again")
def test_a_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    """Lines have lengths of their own, so that what the recogniser was given tells which of them ran."""
    lengths = [n + 1 for n in range(8)]
    with killable_server(tmp_path, 0.15) as (url, process), client_of(url) as client:
        talks = [recording(client, float(length)) for length in lengths]
        batch = start(client, *(line(str(n), talk) for n, talk in enumerate(talks)))
        while (counts := client.batches.retrieve(batch.id).request_counts) is None or counts.completed < 3:
            time.sleep(0.02)
        process.kill()
        process.wait()
    before = len(runs(tmp_path))
    with killable_server(tmp_path, 0.0) as (url, _), client_of(url) as client:
        batch = finished(client, batch)
        texts = [
            entry["response"]["body"]["text"] for entry in answers(client, batch.output_file_id).values()
        ]
    assert batch.status == "completed"
    assert [len(text.split()) for text in texts] == lengths
    assert 3 <= before < len(lengths)
    assert len(runs(tmp_path)) in (len(lengths), len(lengths) + 1), "only the line in hand ran again"


@pytest.mark.contract("Files and batches", "`expired`", "after the completion window; what is done is kept")
def test_a_batch_that_is_late_expires_with_what_is_done(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, workspace_dir=tmp_path / "work", data_dir=tmp_path / "kept", jobs_at_once=1
    )
    recogniser = ScriptedRecogniser(seconds_per_batch=0.5)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        talk = recording(client, 2.0)
        batch = start(client, line("first", talk), line("second", talk), window="1h")
        assert batch.expires_at == batch.created_at + 3600
        while (counts := client.batches.retrieve(batch.id).request_counts) is None or counts.completed < 1:
            time.sleep(0.01)
    with closing(sqlite3.connect(tmp_path / "kept" / "server.db")) as database:
        late = "UPDATE batches SET document = json_set(document, '$.expires_at', 1)"
        database.execute(late)
        database.commit()
    with running_server(settings, fake_loaders()) as server:
        batch = finished(server.client, batch)
        assert batch.status == "expired"
        assert batch.expired_at
        assert list(answers(server.client, batch.output_file_id)) == ["first"]
        unanswered = answers(server.client, batch.error_file_id)
        assert unanswered["second"]["error"]["code"] == "batch_expired"
