"""Live sessions through the whole server, with models that are fakes."""

from __future__ import annotations

import io
import json
import time
import wave
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from config import Settings
from tests.realtime.clients import Client
from tests.servers import RunningServer, fake_loaders, running_server

RATE = 24_000
COMPLETED = "conversation.item.input_audio_transcription.completed"
LOW, HIGH = 300, 700


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(Settings(_env_file=None), fake_loaders()) as running:
        yield running


@contextmanager
def connected(server: RunningServer) -> Iterator[Client]:
    url = server.url.replace("http://", "ws://") + "/v1/realtime?intent=transcription"
    with connect(url, compression=None, max_size=None, proxy=None) as socket:
        yield Client(socket)


def tone(seconds: float, hertz: float) -> bytes:
    times = np.arange(int(seconds * RATE)) / RATE
    return (20_000 * np.sin(2 * np.pi * hertz * times)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RATE))


def segments(client: Client) -> list[dict[str, Any]]:
    return [event for event in client.received if event["type"].endswith("transcription.segment")]


def test_a_turn_goes_from_the_socket_to_the_models_and_back(server: RunningServer) -> None:
    with connected(server) as client:
        client.wait_for("session.created")
        client.append(tone(3, LOW) + silence(1))
        assert client.wait_for(COMPLETED)["transcript"] == "w w w"
    kinds = [event["type"].rpartition(".")[2] for event in client.received]
    assert kinds[:2] == ["created", "speech_started"]
    assert [kind for kind in kinds if kind != "delta"][2:] == [
        *("speech_stopped", "committed", "added", "done", "completed")
    ]


def test_a_session_is_stored_and_its_labels_carry_on(server: RunningServer) -> None:
    with connected(server) as client:
        transcription = {"model": "gpt-4o-transcribe-diarize", "speakers": {"minimum": 1, "maximum": 4}}
        settings = {
            "type": "transcription",
            "store": True,
            "audio": {"input": {"transcription": transcription}},
        }
        client.send("session.update", session=settings)
        told = client.wait_for("session.updated")["session"]["transcription_id"]
        for hertz in (HIGH, LOW):
            client.append(tone(5, hertz) + silence(1))
            client.wait_for(COMPLETED)
        live = [segment["speaker"] for segment in segments(client)]
        assert list(dict.fromkeys(live)) == ["A", "B"]
        assert httpx.get(f"{server.url}/v1/audio/transcriptions/{told}").status_code == 404
    stored = finished(server, told)
    assert stored["status"] == "completed", stored
    assert stored["result"]["duration"] == pytest.approx(12, abs=0.1)
    speakers = [segment["speaker"] for segment in stored["result"]["segments"]]
    assert list(dict.fromkeys(speakers)) == ["A", "B"]


def finished(server: RunningServer, job_id: str) -> dict[str, Any]:
    """The background transcription once it has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = httpx.get(f"{server.url}/v1/audio/transcriptions/{job_id}")
        if answer.status_code == 200 and answer.json()["status"] in ("completed", "failed"):
            found: dict[str, Any] = answer.json()
            return found
        time.sleep(0.02)
    raise AssertionError("the session was not transcribed")


def test_nothing_is_kept_of_other_sessions(server: RunningServer) -> None:
    before = sorted(server.state.temp.root.iterdir())
    with connected(server) as client:
        client.append(tone(2, LOW) + silence(25))
        client.wait_for(COMPLETED)
        assert sorted(server.state.temp.root.iterdir()) == before


def test_known_voices_are_told_by_name(server: RunningServer) -> None:
    clip = b64encode(wav_of(tone(4, HIGH))).decode()
    with connected(server) as client:
        transcription = {
            "diarize": True,
            "known_speaker_names": ["Ann"],
            "known_speaker_references": [f"data:audio/wav;base64,{clip}"],
        }
        client.is_checked = False
        client.update(transcription=transcription)
        client.append(tone(6, HIGH) + silence(1))
        client.wait_for(COMPLETED)
        assert segments(client)[-1]["speaker"] == "Ann"


def wav_of(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(pcm)
    return file.getvalue()


def test_rubbish_does_not_end_a_session(server: RunningServer) -> None:
    with connected(server) as client:
        client.wait_for("session.created")
        client.socket.send("{")
        assert client.error()["code"] == "invalid_event"
        client.socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": "%"}))
        assert client.error()["code"] == "invalid_value"
        client.append(tone(2, LOW) + silence(1))
        client.wait_for(COMPLETED)
