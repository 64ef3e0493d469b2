"""curl, with the options of the hosted API's guide."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.recordings import FIXTURES
from tests.servers import RunningServer

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
    pytest.mark.contract("Clients", "curl", "the commands of the hosted API's guide"),
]


def curl(server: RunningServer, path: str, *options: str) -> str:
    """What curl prints; it fails where the status says so."""
    command = ["curl", "--silent", "--show-error", "--fail", "--request", "POST"]
    command += ["--url", f"{server.url}/v1/audio/{path}", "--header", "Authorization: Bearer unused"]
    command += ["--header", "Content-Type: multipart/form-data"]  # curl adds the boundary
    command += ["--form", f"file=@{FIXTURES / 'dialogue.flac'}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_a_transcription(tiny_server: RunningServer) -> None:
    answer = json.loads(curl(tiny_server, "transcriptions", "--form", "model=gpt-4o-transcribe"))
    assert "summer market" in answer["text"]


def test_word_times(tiny_server: RunningServer) -> None:
    options = ["--form", "timestamp_granularities[]=word", "--form", "model=whisper-1"]
    answer = json.loads(
        curl(tiny_server, "transcriptions", *options, "--form", "response_format=verbose_json")
    )
    assert {"word", "start", "end"} <= set(answer["words"][0])


def test_a_stream(tiny_server: RunningServer) -> None:
    options = ["--no-buffer", "--form", "model=gpt-4o-mini-transcribe", "--form", "response_format=text"]
    *events, done = curl(tiny_server, "transcriptions", *options, "--form", "stream=True").split("\n\n")[:-1]
    assert done == "data: [DONE]"
    last = json.loads(events[-1].removeprefix("data: "))
    assert last["type"] == "transcript.text.done"
    assert "summer market" in last["text"]


def test_speakers(tiny_server: RunningServer) -> None:
    options = ["--form", "model=gpt-4o-transcribe-diarize", "--form", "response_format=diarized_json"]
    answer = json.loads(curl(tiny_server, "transcriptions", *options, "--form", "chunking_strategy=auto"))
    assert {segment["speaker"] for segment in answer["segments"]} == {"A", "B"}
