"""What this server has beside the hosted API in a live session: speakers, and more of the words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from options import SpeakerCount
from tests.realtime.clients import Client, LiveServer, live_server
from tests.recordings import tone, wav

CLIP = wav(tone(3.0))
URL = "data:audio/wav;base64," + base64.b64encode(CLIP).decode()
OURS = ("diarize", "interim", "words", "revise", "strict_deltas")
ANN = {"known_speaker_names": ["Ann"], "known_speaker_references": [URL]}


def names(server: LiveServer) -> list[str]:
    return [voice.name for voice in server.session.options[-1].known.voices]


def test_clips_become_voices_and_are_not_sent_back(server: LiveServer, client: Client) -> None:
    told = client.update(transcription=ANN)["audio"]["input"]["transcription"]
    assert told["known_speaker_names"] == ["Ann"]
    assert "known_speaker_references" not in told
    assert names(server) == ["Ann"]
    assert server.session.options[-1].diarize
    client.update(transcription={"language": "en"})
    assert names(server) == ["Ann"]
    client.update(transcription={"known_speaker_names": None})
    assert names(server) == []


def test_enrolled_speakers_are_known(server: LiveServer, client: Client) -> None:
    url = f"{server.running.url}/v1/speakers"
    httpx.post(url, data={"name": "Bob"}, files={"file": ("bob.wav", CLIP)}, timeout=30).raise_for_status()
    client.update(transcription={"known_speakers": "auto"})
    assert names(server) == ["Bob"]
    client.update(transcription=ANN)
    assert names(server) == ["Bob", "Ann"]
    client.update(transcription=None)
    assert names(server) == []


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"known_speaker_names": ["Ann", "Ann"]}, "invalid_value", "known_speaker_names"),
        ({"known_speaker_references": ["data:,x"]}, "invalid_audio", "known_speaker_references"),
        ({"known_speaker_names": ["A\nB"]}, "invalid_value", "known_speaker_names.0"),
    ],
)
def test_a_clip_that_is_unusable_is_named(
    server: LiveServer, client: Client, changes: dict[str, Any], code: str, param: str
) -> None:
    audio = {"input": {"transcription": ANN | changes}}
    client.send("session.update", session={"audio": audio})
    error = client.error()
    assert (error["code"], error["param"]) == (code, f"session.audio.input.transcription.{param}")
    assert len(server.session.options) == 1


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("work")
    with live_server(folder, has_diarizer=False, enable_speaker_diarization=False) as running:
        yield running


@pytest.mark.parametrize(
    "asked", [{"diarize": True}, {"model": "gpt-4o-transcribe-diarize"}, {"known_speakers": "auto"}, ANN]
)
def test_where_diarization_is_off_it_is_unavailable(without: LiveServer, asked: dict[str, Any]) -> None:
    with without.connected() as client:
        client.send("session.update", session={"audio": {"input": {"transcription": asked}}})
        error = client.error()
        assert (error["type"], error["code"]) == ("not_implemented_error", "stage_unavailable")
        assert error["param"] == "session.audio.input.transcription.diarize"
        assert client.transcript()


def test_extensions_are_asked_for_in_transcription(server: LiveServer, client: Client) -> None:
    asked = dict.fromkeys(OURS, True) | {"speakers": {"minimum": 2, "maximum": 3}}
    told = client.update(transcription=asked)["audio"]["input"]["transcription"]
    assert {name: told[name] for name in asked} == asked
    options = server.session.options[-1]
    assert (options.diarize, options.interim, options.revise, options.strict_deltas) == (True,) * 4
    assert options.speakers == SpeakerCount(2, 3)


@pytest.mark.parametrize(
    ("asked", "diarizes"),
    [
        ({"model": "gpt-4o-transcribe-diarize"}, True),
        ({"model": "gpt-4o-transcribe-diarize", "diarize": False}, False),
        ({"speakers": {"maximum": 2}}, True),
        ({"model": "gpt-4o-transcribe"}, False),
    ],
)
def test_who_asks_for_speakers_gets_them(
    server: LiveServer, client: Client, asked: dict[str, Any], diarizes: bool
) -> None:
    client.update(transcription=asked)
    assert server.session.options[-1].diarize is diarizes


def test_a_session_that_is_stored_says_as_what(server: LiveServer, client: Client) -> None:
    client.send("session.update", session={"type": "transcription", "store": True})
    session = client.wait_for("session.updated")["session"]
    assert session["transcription_id"] == server.session.stored_as
    assert server.session.options[-1].store
