"""Segments are read, encoded and rendered in threads, never on the event loop, whatever the format and route.

A profile hook sees which functions run on the loop, so that this does not depend on how long they take.
Constructors may: they read nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

from config import Settings
from tests.durable.jobs import FORMATS, PATH, finished, post, start
from tests.recordings import multichannel_wav, silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server
from utils.answers import json_body, json_pieces, text_body, text_pieces, token_logprobs
from utils.transcript import channel_merger, codec, crosstalk, events, lines, segment_log, wire_events

IN_THREADS = {
    module.__file__
    for module in (
        *(json_body, json_pieces, text_body, text_pieces, token_logprobs),
        *(channel_merger, codec, crosstalk, events, lines, segment_log, wire_events),
    )
}
STREAMED = ("json", "text", "diarized_json")


class LoopProfile:
    """Notes which functions of the modules that belong in threads are entered or resumed on an event loop."""

    def __init__(self) -> None:
        self.on_loop: set[str] = set()
        self.in_threads: set[str] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or code.co_filename not in IN_THREADS:
            return
        if code.co_name != "__init__" and not (caller and caller.f_code.co_name == "__init__"):
            # The public function raises where no loop runs, and makes no other difference.
            found = self.on_loop if asyncio._get_running_loop() else self.in_threads
            found.add(f"{Path(code.co_filename).stem}.{code.co_name}")


@pytest.fixture(scope="module")
def profile() -> Iterator[LoopProfile]:
    hook = LoopProfile()
    threading.setprofile(hook)  # for all threads that start from now on
    yield hook
    threading.setprofile(None)


@pytest.fixture(scope="module")
def server(profile: LoopProfile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    settings = Settings(_env_file=None, workspace_dir=folder / "work", data_dir=folder / "data")
    with running_server(settings, fake_loaders()) as running:
        yield running


@pytest.fixture(scope="module")
def job(server: RunningServer) -> str:
    job_id = start(server.url, wav(tone(1.0)), response_format="diarized_json", num_speakers="1")
    finished(server.url, job_id)
    return f"{server.url}{PATH}/{job_id}"


def ask(server: RunningServer, form: str, file: bytes, **fields: str) -> None:
    """Plain and streamed, fresh and from the cache."""
    for stream in ("true", "false", "true") if form in STREAMED else ("false", "false"):
        answer = post(server.url, file, response_format=form, stream=stream, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.text.endswith("[DONE]\n\n") == (stream == "true")


@pytest.mark.parametrize("form", FORMATS)
def test_answers_are_rendered_in_threads(
    server: RunningServer, profile: LoopProfile, job: str, form: str
) -> None:
    ask(server, form, wav(tone(1.0), silence(0.1 * FORMATS.index(form))))
    for path in ("", "/content"):
        assert httpx.get(f"{job}{path}", params={"response_format": form}).status_code == 200
    assert profile.on_loop == set()
    assert {"json_pieces.render_object", "text_body._cues", "text_body.text_body"} & profile.in_threads


def test_log_probabilities_channels_and_events_of_jobs_too(
    server: RunningServer, profile: LoopProfile, job: str
) -> None:
    ask(server, "json", wav(tone(1.0)), **{"include[]": "logprobs"})
    ask(server, "diarized_json", multichannel_wav(tone(1.0), tone(1.0, 900.0)), channels="separate")
    assert httpx.get(f"{job}/events").text.endswith("data: [DONE]\n\n")
    assert profile.on_loop == set()
    assert {"channel_merger.step", "wire_events.convert", "lines.read_transcript"} <= profile.in_threads
