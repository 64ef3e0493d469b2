"""Batches through the official client: lines in, answers out, wrong input named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from config import Settings
from tests.durable.batches import URL, answers, finished, line, recording, start
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server


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
def test_the_batches_of_one_key_are_not_found_with_another(tmp_path: Path) -> None:
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
