"""Events of a background job: those of a stream, from any event on, and the error of a job that fails."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from config import Settings
from tests.durable.jobs import LONG, PATH, finished, post, start
from tests.fakes import ScriptedRecogniser
from tests.servers import RunningServer, fake_loaders, running_server


def data_lines(text: str) -> list[tuple[int | None, str]]:
    """Number, if it has one, and data of every event."""
    found = re.findall(r"(?:id: (\d+)\n)?data: (.*)\n\n", text)
    return [(int(number) if number else None, data) for number, data in found]


def events_of(url: str, job_id: str, after: int = 0) -> list[tuple[int | None, str]]:
    headers = {"last-event-id": str(after)} if after else {}
    return data_lines(httpx.get(f"{url}{PATH}/{job_id}/events", headers=headers, timeout=60).text)


def text_of(events: list[tuple[int | None, str]]) -> str:
    """All deltas, which make up the text of the last event."""
    wire = [json.loads(data) for _, data in events if data != "[DONE]"]
    text = "".join(event["delta"] for event in wire if event["type"] == "transcript.text.delta")
    assert wire[-1]["type"] == "transcript.text.done"
    assert wire[-1]["text"] == text
    return text


def segments_of(events: list[tuple[int | None, str]]) -> list[Any]:
    wire = [json.loads(data) for _, data in events if data != "[DONE]"]
    return [event for event in wire if event["type"] == "transcript.text.segment"]


@pytest.mark.parametrize("response_format", ["json", "diarized_json"])
@pytest.mark.contract("Background jobs", "`/events`", "those of a stream, from any event on")
def test_events_are_those_of_a_stream_and_can_be_joined_again(
    server: RunningServer, response_format: str
) -> None:
    streamed = post(server.url, LONG, stream="true", response_format=response_format, num_speakers="1")
    job_id = start(server.url, LONG, response_format=response_format, num_speakers="1")
    events = events_of(server.url, job_id)
    assert [number for number, _ in events[:-1]] == list(range(1, len(events)))
    assert events[-1] == (None, "[DONE]")
    assert text_of(events) == text_of(data_lines(streamed.text))
    assert segments_of(events) == segments_of(data_lines(streamed.text))
    assert events_of(server.url, job_id, after=3) == events[3:]
    assert finished(server.url, job_id)["text"] == text_of(events)
    for wrong in ("x", "-1", str(2**64)):
        answer = httpx.get(f"{server.url}{PATH}/{job_id}/events", headers={"last-event-id": wrong})
        assert answer.status_code == 400


@pytest.mark.contract("Background jobs", "`/events`")
def test_events_come_while_it_is_worked_on(tmp_path: Path) -> None:
    gate = threading.Event()
    settings = Settings(_env_file=None, workspace_dir=tmp_path, whisper_batch_size=1)
    recogniser = ScriptedRecogniser(gate=gate)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        job_id = start(server.url, LONG)
        with httpx.stream("GET", f"{server.url}{PATH}/{job_id}/events", timeout=60) as stream:
            gate.set()
            lines = stream.iter_lines()
            assert next(lines) == "id: 1"
            gate.clear()
            assert "transcript.text.delta" in next(lines)
            assert httpx.get(f"{server.url}{PATH}/{job_id}").json()["text"].startswith("w w")
            gate.set()
            assert [line for line in lines if line][-1] == "data: [DONE]"


@pytest.mark.contract("Background jobs", "`failed`", "`error` as in the envelope")
def test_a_job_that_fails_says_why(server: RunningServer) -> None:
    job = finished(server.url, start(server.url, b"noise"))
    assert (job["status"], job["error"]["code"], job["result"]) == ("failed", "invalid_audio", None)
    ((_, data),) = events_of(server.url, job["id"])
    assert json.loads(data) == {"error": job["error"]}
