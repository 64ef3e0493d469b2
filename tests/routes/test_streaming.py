"""stream=true, as the official client reads it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI, Request, Response
from openai import AsyncOpenAI
from openai.types.audio import TranscriptionStreamEvent
from pydantic import TypeAdapter

from exceptions import ModelFailedError
from models import WindowText
from options import DecodeOptions
from routes.http.event_stream import answer_events
from routes.http.middleware import RequestIdMiddleware
from seams import EncodedWindow
from tests.builders import segment, transcript, words
from tests.client import post, settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until
from utils.answers.wire import AnswerForm
from utils.transcript.events import Event, Finished, Settled

TALK = wav(*([tone(20.0, 300.0), silence(2.0), tone(20.0, 900.0), silence(2.0)] * 3))
STRICT = TypeAdapter(TranscriptionStreamEvent)


class FailingRecogniser(ScriptedRecogniser):
    """Fails at its third batch."""

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if len(self.batches) >= 2:
            raise ModelFailedError("The model crashed.")


def events(server: RunningServer, file: bytes, **asked: Any) -> list[TranscriptionStreamEvent]:
    with server.client.audio.transcriptions.create(
        model="whisper-1", file=("talk.wav", file), stream=True, **asked
    ) as stream:
        return list(stream)


def lines(server: RunningServer, file: bytes, **fields: str) -> list[str]:
    answer = post(server, file, stream="true", **fields)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
    return [line for line in answer.text.split("\n\n") if line]


def is_empty(server: RunningServer) -> bool:
    return not server.state.admission.in_flight and not any(server.state.temp.root.iterdir())


@pytest.mark.parametrize("form", ["json", "text", "diarized_json"])
@pytest.mark.contract(
    "Transcription fields",
    "`stream`",
    "for every model, with json, text and diarized_json; else a 400, or ignored with whisper-1",
)
@pytest.mark.contract("Streaming", "`transcript.text.done`")
@pytest.mark.contract(
    "Streaming", "`x-accel-buffering: no`", "and `cache-control: no-cache`: no proxy holds events back"
)
def test_a_stream_says_what_the_plain_answer_says(tmp_path: Path, form: str) -> None:
    config = settings(tmp_path, chunk_seconds=60, whisper_batch_size=1, result_cache_mb=0)
    with running_server(config, fake_loaders()) as server:
        heard = events(server, TALK, response_format=form)
        plain = post(server, TALK, response_format=form)
        *data, done = lines(server, TALK, response_format=form)
        assert is_empty(server)
    assert done == "data: [DONE]"
    for line in data:
        STRICT.validate_json(line.removeprefix("data: "), strict=True)
    deltas = [event.delta for event in heard if event.type == "transcript.text.delta"]
    last = heard[-1]
    assert last.type == "transcript.text.done"
    assert "".join(deltas) == last.text
    assert last.text == (plain.text.strip() if form == "text" else plain.json()["text"])
    assert len(deltas) > 2
    assert last.usage
    assert last.usage.total_tokens == last.usage.input_tokens + last.usage.output_tokens
    segments = [event.model_dump() for event in heard if event.type == "transcript.text.segment"]
    assert segments == (plain.json()["segments"] if form == "diarized_json" else [])


@pytest.mark.contract("Streaming", "`transcript.text.delta`")
def test_text_comes_before_the_end_is_heard(tmp_path: Path) -> None:
    gates = [threading.Event() for _ in range(2)]

    class Gated(ScriptedRecogniser):
        def decode(self, *args: Any) -> list[WindowText]:
            gates[min(len(self.batches), 1)].wait(30)
            return super().decode(*args)

    config = settings(tmp_path, chunk_seconds=60, whisper_batch_size=1)
    with running_server(config, fake_loaders(Gated)) as server:
        gates[0].set()
        with server.client.audio.transcriptions.create(
            model="whisper-1", file=("talk.wav", TALK), stream=True
        ) as stream:
            first = next(iter(stream))
            assert first.type == "transcript.text.delta"
            assert first.delta.startswith("w w")
            gates[1].set()
            assert [event.type for event in stream][-1] == "transcript.text.done"


@pytest.mark.contract("Streaming", "a silent recording", "`done` with an empty text")
def test_silence_is_an_empty_text(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        (done,) = events(server, wav(silence(3.0)))
        assert done.type == "transcript.text.done"
        assert (done.text, done.languages) == ("", [])


@pytest.mark.contract("Streaming", "`include[]=logprobs`", "with `transcript.text.done`")
def test_log_probabilities_come_with_the_end(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        done = events(server, wav(tone(2.0)), include=["logprobs"])[-1]
        assert done.type == "transcript.text.done"
        assert done.logprobs is not None


@pytest.mark.contract("Streaming", "refusals", "a status and the envelope instead of a stream")
def test_what_can_be_refused_is_refused_before_the_stream(tmp_path: Path) -> None:
    with running_server(settings(tmp_path, max_audio_hours=0.01), fake_loaders()) as server:
        for file, fields, status in (
            (b"no audio", {}, 400),
            (wav(tone(0.05)), {}, 400),
            (TALK, {}, 413),
            (TALK, {"response_format": "vtt", "model": "gpt-4o-transcribe"}, 400),
            (TALK, {"language": "klingon"}, 400),
        ):
            answer = post(server, file, stream="true", **fields)
            assert answer.status_code == status, fields
            assert answer.json()["error"]["message"]
        assert is_empty(server)


@pytest.mark.contract("Streaming", "`error` line", "a failure half-way; the client raises APIError")
def test_a_failure_half_way_is_a_line_of_its_own_and_the_last(tmp_path: Path) -> None:
    config = settings(tmp_path, whisper_batch_size=1)
    with running_server(config, fake_loaders(FailingRecogniser)) as server:
        *data, last = lines(server, TALK)
        assert data
        error = json.loads(last.removeprefix("data: "))["error"]
        assert (error["code"], error["type"]) == ("model_failed", "server_error")
        with pytest.raises(openai.APIError, match="crashed"):
            events(server, TALK)
        assert is_empty(server)


@pytest.mark.contract("Streaming", "a client that disconnects", "stops its work within a batch")
def test_a_client_that_closes_a_stream_stops_its_work(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.3)
    config = settings(tmp_path, chunk_seconds=60, whisper_batch_size=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        with server.client.audio.transcriptions.create(
            model="whisper-1", file=("talk.wav", TALK), stream=True
        ) as stream:
            next(iter(stream))
            assert len(server.state.admission.in_flight) == 1
        begun = len(recogniser.batches)
        wait_until(lambda: is_empty(server))
        assert len(recogniser.batches) <= begun + 2


def test_a_stream_counts_until_it_ends(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(gate=(gate := threading.Event()))
    config = settings(tmp_path, max_requests=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        answers: list[int] = []
        caller = threading.Thread(
            target=lambda: answers.append(post(server, TALK, stream="true").status_code)
        )
        caller.start()
        wait_until(lambda: bool(recogniser.batches))
        assert post(server, TALK, stream="true").status_code == 429
        gate.set()
        caller.join()
        assert answers == [200]
        assert post(server, wav(tone(2.0)), stream="true").status_code == 200


@pytest.mark.contract("Streaming", "`: keep-alive`", "a comment in every pause; clients pass over it")
async def test_a_pause_is_filled_with_comments_that_the_client_passes_over() -> None:
    said = segment(words("so it goes"))

    async def slow() -> AsyncGenerator[Event]:
        yield Settled((said,))
        await asyncio.sleep(0.2)
        yield Finished(transcript([said]), {})

    app = FastAPI()
    app.add_middleware(RequestIdMiddleware)

    @app.post("/audio/transcriptions")
    async def create(request: Request) -> Response:
        return await answer_events(request, slow(), AnswerForm(), AsyncExitStack(), keep_alive_seconds=0.05)

    http: Any = httpx.AsyncClient(transport=httpx.ASGITransport(app))
    async with AsyncOpenAI(base_url="http://test", api_key="unused", http_client=http) as client:
        transcriptions = client.audio.transcriptions
        async with transcriptions.with_streaming_response.create(
            model="whisper-1", file=TALK, stream=True
        ) as answer:
            assert ": keep-alive" in [line async for line in answer.iter_lines()]
        stream = await transcriptions.create(model="whisper-1", file=TALK, stream=True)
        types = [event.type async for event in stream]
    assert types == ["transcript.text.delta", "transcript.text.done"]
