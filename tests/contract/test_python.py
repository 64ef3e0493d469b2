"""The official Python client, parsed strictly: raw answers validated as the types that it declares, so that a
missing field, one of another type or an event of another name fails. Fakes for the models.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import Batch, FileDeleted, FileObject, Model
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)
from pydantic import TypeAdapter

from config import Settings
from exceptions import ModelFailedError
from models import WindowText
from options import DecodeOptions
from seams import EncodedWindow
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server
from utils.catalogue import ALIASES

contract = pytest.mark.contract
pytestmark = [
    contract("Clients", "Python `openai`", "raw answers validated strictly as its own types"),
    # The hosted translations shut down, and the client says so; ours go on.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]

SPEECH = ("talk.wav", wav(tone(2.0)))
TWO_VOICES = ("talk.wav", wav(tone(3.0, 300.0), silence(1.0), tone(3.0, 900.0)))
FIELDS, FORMATS, STREAM = "Transcription fields", "Response formats", "Streaming"
KEPT, ERRORS = "Files and batches", "Errors and headers"


class ForgetfulRecogniser(ScriptedRecogniser):
    """Crashes at the first window that is to be told with the prompt `crash once`."""

    crashed = False

    def decode(
        self,
        windows: Sequence[EncodedWindow],
        options: Sequence[DecodeOptions],
        words: bool,
        temperature: float,
    ) -> list[WindowText]:
        if not self.crashed and options[0].prompt == "crash once":
            self.crashed = True
            raise ModelFailedError("The model crashed.")
        return super().decode(windows, options, words, temperature)


@dataclass(frozen=True)
class House:
    server: RunningServer
    recogniser: ScriptedRecogniser

    @property
    def client(self) -> OpenAI:
        return self.server.client

    def transcribe(self, type_: Any, file: tuple[str, bytes] = SPEECH, **asked: Any) -> Any:
        """The answer's bytes as the type that the client declares for them."""
        asked = {"model": "whisper-1"} | asked
        raw = self.client.audio.transcriptions.with_raw_response.create(file=file, **asked)
        return strictly(type_, raw)

    def events(self, file: tuple[str, bytes] = TWO_VOICES, **asked: Any) -> list[Any]:
        """The lines of a stream as the events that the client declares."""
        create = self.client.audio.transcriptions.with_streaming_response.create
        with create(model="whisper-1", file=file, stream=True, **asked) as answer:
            *lines, done = [line for line in answer.iter_lines() if line]
        assert done == "data: [DONE]"
        event = TypeAdapter[Any](TranscriptionStreamEvent)
        return [event.validate_json(line.removeprefix("data: "), strict=True) for line in lines]


def strictly(type_: Any, raw: Any) -> Any:
    return TypeAdapter(type_).validate_json(raw.http_response.content, strict=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    recogniser = ForgetfulRecogniser()
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        yield House(server, recogniser)


@contract(FIELDS, "`response_format`", "the six below; json by default")
@pytest.mark.parametrize(
    ("form", "type_"),
    [
        ("json", Transcription),
        ("verbose_json", TranscriptionVerbose),
        ("diarized_json", TranscriptionDiarized),
    ],
)
def test_answers_are_of_the_declared_types(house: House, form: str, type_: Any) -> None:
    answer = house.transcribe(type_, TWO_VOICES, response_format=form)
    assert set(answer.text.split()) == {"w"}
    assert answer.usage


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param(
            {"language": "de"},
            {"language": "de"},
            marks=contract(FIELDS, "`language`", "no other is detected; codes and English names"),
        ),
        pytest.param(
            {"prompt": "As I said,"},
            {"prompt": "As I said,"},
            marks=contract(FIELDS, "`prompt`", "goes before the first window"),
        ),
        pytest.param(
            {"keywords": ["Ann", "Bob"]},
            {"keywords": ("Ann", "Bob")},
            marks=contract(FIELDS, "`keywords[]`", "hotwords of the decoder"),
        ),
        pytest.param(
            {"temperature": 0.4},
            {"temperature": 0.4},
            marks=contract(FIELDS, "`temperature`", "0 to 1; 0 is the fallback ladder"),
        ),
    ],
    ids=["language", "prompt", "keywords", "temperature"],
)
def test_the_recogniser_is_told(house: House, asked: dict[str, Any], sent: dict[str, Any]) -> None:
    house.transcribe(Transcription, **asked)
    told = house.recogniser.options[-1]
    assert {name: getattr(told, name) for name in sent} == sent


@contract(FIELDS, "`languages[]`", "detection chooses among the candidates")
def test_a_language_is_chosen_among_the_candidates(house: House) -> None:
    for asked, found in (([], "en"), (["fr", "de"], "de"), (["fr"], "fr")):
        answer = house.transcribe(Transcription, languages=asked or openai.omit)
        assert [language.code for language in answer.languages] == [found]


@contract(FIELDS, "`timestamp_granularities[]`", "`words`, `segments` or both, with verbose_json")
def test_times_come_as_asked(house: House) -> None:
    for asked in (["word"], ["segment"], ["word", "segment"]):
        answer = house.transcribe(
            TranscriptionVerbose, response_format="verbose_json", timestamp_granularities=asked
        )
        assert bool(answer.words) == ("word" in asked)
        assert bool(answer.segments) == ("segment" in asked)
    assert house.transcribe(TranscriptionVerbose, response_format="verbose_json").segments


@contract(FIELDS, "`chunking_strategy`", "`auto`; the numbers of server_vad, in brackets or as JSON")
def test_the_numbers_of_server_vad_steer_what_is_heard_at_once(house: House) -> None:
    talk = ("talk.wav", wav(tone(2.0), silence(0.5), tone(2.0)))

    def windows(**asked: Any) -> int:
        house.recogniser.batches.clear()
        house.transcribe(Transcription, talk, **asked)
        return sum(house.recogniser.batches)

    for milliseconds, count in ((200, 2), (1000, 1)):
        numbers: dict[str, Any] = {"type": "server_vad", "silence_duration_ms": milliseconds}
        numbers["prefix_padding_ms"] = 0
        assert windows(chunking_strategy=numbers) == count
        assert windows(extra_body={"chunking_strategy": json.dumps(numbers)}) == count
    assert windows(chunking_strategy="auto") == windows() > 0


@contract(FIELDS, "`min_speakers`", "ours: at least so many voices")
@contract(FIELDS, "`max_speakers`", "ours: at most so many voices")
@contract(FIELDS, "`diarize`", "ours: speakers in text, srt, vtt and verbose_json; false leaves them out")
def test_speakers_are_told_apart_as_asked(house: House) -> None:
    def speakers(**asked: Any) -> set[str | None]:
        answer = house.transcribe(
            TranscriptionVerbose, TWO_VOICES, response_format="verbose_json", extra_body=asked
        )
        return {segment.to_dict().get("speaker") for segment in answer.segments}

    assert speakers(diarize=True) == speakers(min_speakers=2) == {"A", "B"}
    assert speakers(diarize=False) == {None}
    assert speakers(max_speakers=1) == {"A"}


@contract(FIELDS, "`model`", "the hosted names, their dated snapshots and the ids of /v1/models; else a 404")
@pytest.mark.parametrize("model", [*ALIASES, "gpt-4o-mini-transcribe-2025-12-15", "whisper-base"])
def test_every_name_transcribes_and_has_its_kind_of_usage(house: House, model: str) -> None:
    usage = house.transcribe(Transcription, model=model).usage
    assert usage.type == ("tokens" if model.startswith("gpt-") else "duration")


@contract(STREAM, "`transcript.text.delta`", "as windows finish; they add up to the text")
@contract(STREAM, "`transcript.text.done`", "the text of the plain answer, its languages and usage in tokens")
@contract(STREAM, "`data: [DONE]`", "the last line")
@pytest.mark.parametrize("form", ["json", "text", "diarized_json"])
def test_every_line_of_a_stream_is_an_event_of_the_client(house: House, form: str) -> None:
    *told, done = house.events(response_format=form)
    assert done.type == "transcript.text.done"
    deltas = [event.delta for event in told if event.type == "transcript.text.delta"]
    assert "".join(deltas) == done.text == house.transcribe(Transcription, TWO_VOICES).text
    assert done.usage.type == "tokens"


@contract(FIELDS, "lists", "their names with brackets or bare, repeated")
@contract(FIELDS, "unknown fields", "ignored, as hosted")
def test_fields_come_as_other_programs_send_them(house: House) -> None:
    extra = {"keywords": "Ann", "languages": "de", "user": "me", "vad_filter": "true"}
    answer = house.transcribe(Transcription, extra_body=extra)
    assert house.recogniser.options[-1].keywords == ("Ann",)
    assert [language.code for language in answer.languages] == ["de"]


@contract(STREAM, "`transcript.text.segment`", "with diarized_json: the segments of the plain answer")
def test_a_stream_tells_who_speaks(house: House) -> None:
    events = house.events(response_format="diarized_json")
    segments = [event for event in events if event.type == "transcript.text.segment"]
    plain = house.transcribe(TranscriptionDiarized, TWO_VOICES, response_format="diarized_json")
    assert [segment.to_dict() for segment in segments] == [s.to_dict() for s in plain.segments]
    assert {segment.speaker for segment in segments} == {"A", "B"}


@contract("Clients", "Python `AsyncOpenAI`", "streams too")
async def test_the_asynchronous_client_streams_too(house: House) -> None:
    async with AsyncOpenAI(base_url=f"{house.server.url}/v1", api_key="unused") as client:
        stream = await client.audio.transcriptions.create(model="whisper-1", file=SPEECH, stream=True)
        assert [event.type async for event in stream][-1] == "transcript.text.done"


@contract("Translations", "types", "`Translation` and `TranslationVerbose`")
def test_translations_are_of_the_declared_types(house: House) -> None:
    create = house.client.audio.translations.with_raw_response.create
    assert strictly(Translation, create(model="whisper-1", file=SPEECH)).text == "w w"
    raw = create(model="whisper-1", file=SPEECH, response_format="verbose_json")
    assert strictly(TranslationVerbose, raw).language == "english"


@contract("Models", "`models.list`", "our own id and the hosted names")
@contract("Models", "`models.retrieve`", "ids may contain slashes; 404 for an unknown one")
def test_models_are_of_the_declared_type(house: House) -> None:
    models = house.client.models.with_raw_response
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
def test_files_are_of_the_declared_types(house: House) -> None:
    files = house.client.files.with_raw_response
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
def test_a_batch_is_of_the_declared_type_in_every_state(house: House) -> None:
    files, batches = house.client.files, house.client.batches.with_raw_response
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
def test_the_client_repeats_what_can_succeed_and_nothing_else(house: House) -> None:
    sent: list[Any] = []
    with (
        openai.DefaultHttpxClient(event_hooks={"request": [sent.append]}) as http,
        OpenAI(base_url=f"{house.server.url}/v1", api_key="x", max_retries=2, http_client=http) as client,
    ):
        create = client.audio.transcriptions.create
        assert create(model="whisper-1", file=SPEECH, prompt="crash once").text == "w w"
        assert len(sent) == 2
        with pytest.raises(openai.APIStatusError) as refusal:
            create(model="whisper-1", file=SPEECH, response_format="srt", extra_body={"align": True})
        assert (refusal.value.status_code, len(sent)) == (501, 3)
