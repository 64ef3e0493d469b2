"""The official Python client: every answer is of the type that it declares."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Batch, FileDeleted, FileObject, Model
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)
from pydantic import TypeAdapter

from tests.contract.strict_client import MARKS, SPEECH, TWO_VOICES, StrictClient, strictly
from utils.model_names import HOSTED

contract = pytest.mark.contract
pytestmark = MARKS
FIELDS, KEPT, ERRORS = "Transcription fields", "Files and batches", "Errors and headers"


@contract(FIELDS, "`response_format`", "the six below; json by default")
@pytest.mark.parametrize(
    ("form", "type_"),
    [
        ("json", Transcription),
        ("verbose_json", TranscriptionVerbose),
        ("diarized_json", TranscriptionDiarized),
    ],
)
def test_answers_are_of_the_declared_types(client: StrictClient, form: str, type_: Any) -> None:
    answer = client.transcribe(type_, TWO_VOICES, response_format=form)
    assert set(answer.text.split()) == {"w"}
    assert answer.usage


@contract(
    FIELDS,
    "`model`",
    "the hosted names, their dated snapshots, the ids of /v1/models and their other names; else a 404",
)
@pytest.mark.parametrize("model", [*HOSTED, "gpt-4o-mini-transcribe-2025-12-15", "whisper-base"])
def test_every_name_transcribes_and_has_its_kind_of_usage(client: StrictClient, model: str) -> None:
    usage = client.transcribe(Transcription, model=model).usage
    assert usage.type == ("tokens" if model.startswith("gpt-") else "duration")


@contract("Translations", "types", "`Translation` and `TranslationVerbose`")
def test_translations_are_of_the_declared_types(client: StrictClient) -> None:
    create = client.openai.audio.translations.with_raw_response.create
    assert strictly(Translation, create(model="whisper-1", file=SPEECH)).text == "w w"
    raw = create(model="whisper-1", file=SPEECH, response_format="verbose_json")
    assert strictly(TranslationVerbose, raw).language == "english"


@contract("Models", "`models.list`", "our own id and the hosted names")
@contract("Models", "`models.retrieve`", "ids may contain slashes; 404 for an unknown one")
def test_models_are_of_the_declared_type(client: StrictClient) -> None:
    models = client.openai.models.with_raw_response
    for model in json.loads(models.list().http_response.content)["data"]:
        assert TypeAdapter(Model).validate_python(model, strict=True).id == model["id"]
        assert strictly(Model, models.retrieve(model["id"])).id == model["id"]
    with pytest.raises(openai.NotFoundError) as refusal:
        models.retrieve("openai/whisper-unheard-of")
    assert refusal.value.code == "model_not_found"


@contract(
    KEPT, "`files.create`, `retrieve`, `content`, `delete`", "kept until deleted, or by `expires_after`"
)
@contract(KEPT, "`files.list`", "in pages, by purpose, in either order")
def test_files_are_of_the_declared_types(client: StrictClient) -> None:
    files = client.openai.files.with_raw_response
    file = strictly(FileObject, files.create(file=SPEECH, purpose="user_data"))
    assert strictly(FileObject, files.retrieve(file.id)) == file
    page = json.loads(files.list(limit=1).http_response.content)
    assert TypeAdapter(list[FileObject]).validate_python(page["data"], strict=True) == [file]
    assert (page["object"], page["has_more"], page["last_id"]) == ("list", False, file.id)
    assert "expires_at" not in page["data"][0], "null is no number to the Node client"
    assert files.content(file.id).http_response.content == SPEECH[1]
    assert strictly(FileDeleted, files.delete(file.id)).deleted


@contract(
    KEPT, "`batches.create`, `retrieve`", "transcriptions and translations, by `file_id`; counts, times"
)
@contract(KEPT, "`batches.list`", "newest first, in pages")
def test_a_batch_is_of_the_declared_type_in_every_state(client: StrictClient) -> None:
    files, batches = client.openai.files, client.openai.batches.with_raw_response
    talk = files.create(file=SPEECH, purpose="user_data")
    line = {"custom_id": "a", "method": "POST", "url": "/v1/audio/transcriptions"}
    line |= {"body": {"model": "whisper-1", "file_id": talk.id}}  # type: ignore[dict-item]
    lines = files.create(file=("lines.jsonl", json.dumps(line).encode()), purpose="batch")
    asked: Any = {"endpoint": line["url"], "completion_window": "24h", "metadata": {"by": "a test"}}
    batch = strictly(Batch, batches.create(input_file_id=lines.id, **asked))
    deadline = time.monotonic() + 30
    while batch.status != "completed":
        assert batch.status in ("validating", "in_progress", "finalizing")
        assert time.monotonic() < deadline
        batch = strictly(Batch, batches.retrieve(batch.id))
    page = json.loads(batches.list(limit=1).http_response.content)
    assert TypeAdapter(list[Batch]).validate_python(page["data"], strict=True) == [batch]
    assert "failed_at" not in page["data"][0], "null is no number to the Node client"
    answer = json.loads(files.content(batch.output_file_id).text)
    answered = TypeAdapter(Transcription).validate_python(answer["response"]["body"], strict=True)
    assert answered.text == "w w"


@contract(ERRORS, "`x-should-retry`", "false where a retry cannot help: the client sends it once")
def test_the_client_repeats_what_can_succeed_and_nothing_else(client: StrictClient) -> None:
    sent: list[Any] = []
    with (
        openai.DefaultHttpxClient(event_hooks={"request": [sent.append]}) as http,
        OpenAI(base_url=f"{client.server.url}/v1", api_key="x", max_retries=2, http_client=http) as retrying,
    ):
        create = retrying.audio.transcriptions.create
        assert create(model="whisper-1", file=SPEECH, prompt="crash once").text == "w w"
        assert len(sent) == 2
        with pytest.raises(openai.APIStatusError) as refusal:
            create(model="whisper-1", file=SPEECH, response_format="srt", extra_body={"align": True})
        assert (refusal.value.status_code, len(sent)) == (501, 3)
