"""The official Node client, unmodified, against a running server with real models."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.contract.node_client import call_node, file, needs_node
from tests.recordings import FIXTURES
from tests.servers import RunningServer

pytestmark = [
    needs_node,
    pytest.mark.contract("Clients", "Node `openai`", "answers validated against its own type declarations"),
]

KEPT = "Files and batches"
DIALOGUE = file(FIXTURES / "dialogue.flac")
TYPES = "audio/transcriptions"


@pytest.mark.parametrize(
    ("form", "type_"),
    [
        ("json", f"{TYPES}:Transcription"),
        ("verbose_json", f"{TYPES}:TranscriptionVerbose"),
        ("diarized_json", f"{TYPES}:TranscriptionDiarized"),
    ],
)
def test_answers_are_of_the_declared_type(tiny_server: RunningServer, form: str, type_: str) -> None:
    params = {"model": "whisper-1", "file": DIALOGUE, "response_format": form, "chunking_strategy": "auto"}
    answer = call_node(tiny_server.url, "audio.transcriptions.create", params, type_=type_).value
    assert "summer market" in answer["text"]


@pytest.mark.parametrize(("form", "mark"), [("text", "report"), ("srt", "-->"), ("vtt", "WEBVTT")])
def test_text_formats_come_as_text(tiny_server: RunningServer, form: str, mark: str) -> None:
    params = {"model": "whisper-1", "file": DIALOGUE, "response_format": form}
    assert mark in call_node(tiny_server.url, "audio.transcriptions.create", params).value


@pytest.mark.contract("Models", "`models.retrieve`")
def test_a_model_is_of_the_declared_type(tiny_server: RunningServer) -> None:
    model = call_node(tiny_server.url, "models.retrieve", "whisper-1", type_="models:Model").value
    assert model["id"] == "whisper-1"


@pytest.mark.parametrize(
    ("params", "class_", "param"),
    [
        ({"model": "no-such-model"}, "NotFoundError", "model"),
        ({"model": "whisper-1", "response_format": "xml"}, "BadRequestError", "response_format"),
        ({"model": "whisper-1", "temperature": 7}, "BadRequestError", "temperature"),
        ({"model": "whisper-1", "language": "klingon"}, "BadRequestError", "language"),
    ],
)
def test_refusals_raise_the_typed_error(
    tiny_server: RunningServer, params: dict[str, object], class_: str, param: str
) -> None:
    error = call_node(tiny_server.url, "audio.transcriptions.create", params | {"file": DIALOGUE}).error
    assert (error["class"], error["param"]) == (class_, param)
    assert error["requestID"].startswith("req_")


@pytest.mark.contract("Streaming", "`transcript.text.segment`")
def test_every_event_of_a_stream_is_of_the_declared_type(tiny_server: RunningServer) -> None:
    params = {"model": "gpt-4o-transcribe-diarize", "file": DIALOGUE, "stream": True}
    params |= {"response_format": "diarized_json"}
    outcome = call_node(
        tiny_server.url, "audio.transcriptions.create", params, type_=f"{TYPES}:TranscriptionStreamEvent"
    )
    assert outcome.value["type"].startswith("transcript.text.")
    *events, done = outcome.values
    assert done["type"] == "transcript.text.done"
    deltas = [event["delta"] for event in events if event["type"] == "transcript.text.delta"]
    assert "".join(deltas) == done["text"]
    speakers = [event["speaker"] for event in events if event["type"] == "transcript.text.segment"]
    assert set(speakers) == {"A", "B"}


def test_lists_and_numbers_arrive(tiny_server: RunningServer) -> None:
    params = {
        "model": "whisper-1",
        "file": DIALOGUE,
        "response_format": "verbose_json",
        "timestamp_granularities": ["word"],
        "chunking_strategy": {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 400},
        "language": "en",
        "prompt": "A market.",
        "temperature": 0,
    }
    answer = call_node(
        tiny_server.url, "audio.transcriptions.create", params, type_=f"{TYPES}:TranscriptionVerbose"
    ).value
    assert answer["words"]
    assert "segments" not in answer


@pytest.mark.contract("Translations", "types")
def test_translations_of_a_model_for_english_are_refused_by_type(tiny_server: RunningServer) -> None:
    error = call_node(
        tiny_server.url, "audio.translations.create", {"model": "whisper-1", "file": DIALOGUE}
    ).error
    assert (error["class"], error["param"]) == ("BadRequestError", "model")


@pytest.mark.contract(KEPT, "`files.create`, `retrieve`, `content`, `delete`")
@pytest.mark.contract(KEPT, "`files.list`")
@pytest.mark.contract(KEPT, "`batches.create`, `retrieve`")
@pytest.mark.contract(KEPT, "`batches.cancel`")
@pytest.mark.contract(KEPT, "`batches.list`")
def test_files_and_batches_are_of_the_declared_types(tiny_server: RunningServer, tmp_path: Path) -> None:
    url, batch_type = tiny_server.url, "batches:Batch"
    talk = call_node(
        url, "files.create", {"file": DIALOGUE, "purpose": "user_data"}, type_="files:FileObject"
    )
    (tmp_path / "lines.jsonl").write_text(
        '{"custom_id": "a", "method": "POST", "url": "/v1/audio/transcriptions", '
        f'"body": {{"model": "whisper-1", "file_id": "{talk.value["id"]}"}}}}\n'
    )
    lines = call_node(url, "files.create", {"file": file(tmp_path / "lines.jsonl"), "purpose": "batch"}).value
    asked = {"input_file_id": lines["id"], "endpoint": "/v1/audio/transcriptions", "completion_window": "24h"}
    batch = call_node(url, "batches.create", asked, type_=batch_type).value
    deadline = time.monotonic() + 60
    while batch["status"] != "completed":
        assert time.monotonic() < deadline, batch
        batch = call_node(url, "batches.retrieve", batch["id"]).value
    assert call_node(url, "batches.retrieve", batch["id"], type_=batch_type).value == batch
    assert call_node(url, "batches.cancel", batch["id"]).error["class"] == "BadRequestError"
    assert call_node(url, "batches.list", {"limit": 1}).value["data"] == [batch]
    found = call_node(url, "files.retrieve", talk.value["id"], type_="files:FileObject").value
    assert found == talk.value
    listed = call_node(url, "files.list", {"purpose": "user_data"}).value
    assert [kept["id"] for kept in listed["data"]] == [found["id"]]
    deleted = call_node(url, "files.delete", found["id"], type_="files:FileDeleted").value
    assert deleted["deleted"]
    assert call_node(url, "files.retrieve", found["id"]).error["class"] == "NotFoundError"
