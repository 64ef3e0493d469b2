"""The official Node client, unmodified, against a running server with real models."""

from __future__ import annotations

import pytest

from tests.conftest import FIXTURES, RunningServer
from tests.contract.node_client import call_node, file, needs_node

pytestmark = [
    needs_node,
    pytest.mark.contract("Clients", "Node `openai`", "answers validated against its own type declarations"),
]

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


def test_models_are_listed_and_retrieved(tiny_server: RunningServer) -> None:
    listed = call_node(tiny_server.url, "models.retrieve", "whisper-1", type_="models:Model").value
    assert listed["id"] == "whisper-1"


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
