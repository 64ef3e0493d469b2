"""The official Python client: every line of a stream is an event that it declares."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI
from openai.types.audio import Transcription, TranscriptionDiarized

from tests.contract.strict_client import MARKS, SPEECH, TWO_VOICES, StrictClient

contract = pytest.mark.contract
pytestmark = MARKS
STREAM = "Streaming"


@contract(STREAM, "`transcript.text.delta`", "as windows finish; they add up to the text")
@contract(STREAM, "`transcript.text.done`", "the text of the plain answer, its languages and usage in tokens")
@contract(STREAM, "`data: [DONE]`", "the last line")
@pytest.mark.parametrize("form", ["json", "text", "diarized_json"])
def test_every_line_of_a_stream_is_an_event_of_the_client(client: StrictClient, form: str) -> None:
    *events, done = client.events(response_format=form)
    assert done.type == "transcript.text.done"
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert "".join(deltas) == done.text == client.transcribe(Transcription, TWO_VOICES).text
    assert done.usage.type == "tokens"


@contract(STREAM, "`transcript.text.segment`", "with diarized_json: the segments of the plain answer")
def test_a_stream_names_the_speakers(client: StrictClient) -> None:
    events = client.events(response_format="diarized_json")
    segments = [event for event in events if event.type == "transcript.text.segment"]
    plain = client.transcribe(TranscriptionDiarized, TWO_VOICES, response_format="diarized_json")
    assert [segment.to_dict() for segment in segments] == [s.to_dict() for s in plain.segments]
    assert {segment.speaker for segment in segments} == {"A", "B"}


@contract("Clients", "Python `AsyncOpenAI`", "streams too")
async def test_the_asynchronous_client_streams_too(client: StrictClient) -> None:
    async with AsyncOpenAI(base_url=f"{client.server.url}/v1", api_key="unused") as asynchronous:
        stream = await asynchronous.audio.transcriptions.create(model="whisper-1", file=SPEECH, stream=True)
        assert [event.type async for event in stream][-1] == "transcript.text.done"
