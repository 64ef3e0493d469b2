"""The configuration of a session as the current API spells it."""

from __future__ import annotations

from typing import Any

import pytest

from options import (
    Delay,
    Encoding,
    LiveFormat,
    LiveOptions,
    SemanticVad,
    ServerVad,
    TurnDetection,
)
from tests.realtime.clients import Client, LiveServer

SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
}


def test_the_first_event_tells_the_defaults(client: Client) -> None:
    (created,) = client.received
    assert created["type"] == "session.created"
    assert created["session"] == {
        "id": created["session"]["id"],
        "object": "realtime.transcription_session",
        "type": "transcription",
        "expires_at": None,
        "include": None,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": SERVER_VAD,
            }
        },
    }


def test_the_defaults_hold(server: LiveServer, client: Client) -> None:
    assert client.received
    assert server.session.options == [LiveOptions()]


def test_everything_that_an_update_sets_holds_and_is_told(server: LiveServer, client: Client) -> None:
    sent: dict[str, Any] = {
        "format": {"type": "audio/pcmu"},
        "noise_reduction": {"type": "near_field", "strength": 0.5},
        "transcription": {
            "model": "gpt-4o-transcribe",
            "language": "de-AT",
            "languages": ["de", "english"],
            "keywords": ["Kärnten"],
            "prompt": "Ein Gespräch.",
            "delay": "low",
        },
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.6,
            "prefix_padding_ms": 100,
            "silence_duration_ms": 700,
            "idle_timeout_ms": 6000,
            "create_response": False,
            "interrupt_response": False,
        },
    }
    session = client.update(**sent)
    assert session["audio"]["input"] == sent
    options = server.session.options[-1]
    assert options.audio == LiveFormat(Encoding.ULAW, 8000)
    assert options.turns == ServerVad(0.6, 1600, 11_200)
    assert options.delay is Delay.LOW
    decode = options.decode
    assert (decode.language, decode.languages, decode.keywords) == ("de", ("de", "en"), ("Kärnten",))
    assert (decode.prompt, decode.model) == ("Ein Gespräch.", "")


def test_only_named_fields_change_and_null_clears(server: LiveServer, client: Client) -> None:
    client.update(
        transcription={"model": "whisper-1", "language": "de", "keywords": ["Graz"]},
        noise_reduction={"type": "far_field", "strength": 0.2},
        turn_detection={"silence_duration_ms": 800},
    )
    session = client.update(transcription={"language": "fr"}, noise_reduction={"type": "near_field"})
    assert session["audio"]["input"]["transcription"] == {
        "model": "whisper-1",
        "language": "fr",
        "prompt": "",
        "keywords": ["Graz"],
    }
    assert session["audio"]["input"]["noise_reduction"] == {"type": "near_field", "strength": 0.2}
    assert session["audio"]["input"]["turn_detection"] == SERVER_VAD | {"silence_duration_ms": 800}
    session = client.update(
        transcription={"language": None, "keywords": []}, noise_reduction=None, turn_detection=None
    )
    assert session["audio"]["input"]["transcription"]["keywords"] == []
    assert session["audio"]["input"]["noise_reduction"] is None
    assert session["audio"]["input"]["turn_detection"] is None
    options = server.session.options[-1]
    assert (options.decode.language, options.decode.keywords, options.turns) == (None, (), None)
    session = client.update(transcription=None)  # back to the server's own model, which transcribes
    assert session["audio"]["input"]["transcription"] is None
    assert client.transcript() == "48000 bytes"


@pytest.mark.parametrize(
    ("model", "turns"),
    [
        ("gpt-live-transcribe", None),
        ("gpt-realtime-whisper", None),
        ("gpt-4o-transcribe", ServerVad()),
        ("whisper-1", ServerVad()),
    ],
)
def test_the_live_models_leave_turns_to_the_client_unless_asked(
    server: LiveServer, client: Client, model: str, turns: TurnDetection
) -> None:
    session = client.update(transcription={"model": model})
    assert (session["audio"]["input"]["turn_detection"] is None) == (turns is None)
    assert server.session.options[-1].turns == turns
    client.update(turn_detection={"type": "server_vad", "threshold": 0.4})
    assert server.session.options[-1].turns == ServerVad(0.4)
    client.update(turn_detection=None)
    assert server.session.options[-1].turns is None


@pytest.mark.parametrize(("eagerness", "seconds"), [("low", 8), ("medium", 4), ("auto", 4), ("high", 2)])
def test_semantic_turn_detection_waits_by_its_eagerness(
    server: LiveServer, client: Client, eagerness: str, seconds: int
) -> None:
    wanted = {"type": "semantic_vad", "eagerness": eagerness}
    client.update(turn_detection={"type": "server_vad", "threshold": 0.9})
    assert client.update(turn_detection=wanted)["audio"]["input"]["turn_detection"] == wanted
    assert server.session.options[-1].turns == SemanticVad(seconds * 16_000)
    session = client.update(turn_detection={"type": "server_vad"})
    assert session["audio"]["input"]["turn_detection"] == SERVER_VAD  # not the 0.9 of before


@pytest.mark.parametrize(
    ("sent", "audio"),
    [
        ({"type": "audio/pcm"}, LiveFormat()),
        ({"type": "audio/pcm", "rate": 8000}, LiveFormat(rate=8000)),
        ({"rate": 16_000}, LiveFormat(rate=16_000)),
        ({"type": "audio/pcm", "rate": 48_000}, LiveFormat(rate=48_000)),
        ({"type": "audio/pcma", "rate": 16_000}, LiveFormat(Encoding.ALAW, 8000)),
    ],
)
def test_formats(server: LiveServer, client: Client, sent: dict[str, Any], audio: LiveFormat) -> None:
    client.is_checked = False  # its types know 24 kHz only
    client.update(format=sent)
    assert server.session.options[-1].audio == audio


def test_the_session_of_a_conversation_keeps_its_audio_input(server: LiveServer, client: Client) -> None:
    audio = {
        "input": {"transcription": {"language": "en"}, "unknown": 1},
        "output": {"voice": "alloy", "speed": 1},
    }
    session = {
        "type": "realtime",
        "model": "gpt-realtime",
        "instructions": "Be kind.",
        "tools": [],
        "audio": audio,
    }
    client.send("session.update", session=session | {"output_modalities": ["text"]})
    told = client.wait_for("session.updated")["session"]
    assert told["type"] == "transcription"
    assert "output" not in told["audio"]
    assert server.session.options[-1].decode.language == "en"


def test_audio_before_the_first_update_is_kept(server: LiveServer, client: Client) -> None:
    client.append()
    client.update(transcription={"language": "en"}, turn_detection=None)
    client.send("input_audio_buffer.commit")
    assert client.wait_for("input_audio_buffer.committed")["item_id"] == "item_0"


@pytest.mark.parametrize(
    ("settings", "param"),
    [
        ({"turn_detection": {"threshold": 2}}, "turn_detection.threshold"),
        ({"turn_detection": {"type": "other"}}, "turn_detection.type"),
        ({"turn_detection": {"silence_duration_ms": -1}}, "turn_detection.silence_duration_ms"),
        ({"turn_detection": {"silence_duration_ms": "x"}}, "turn_detection.silence_duration_ms"),
        ({"turn_detection": 5}, "turn_detection"),
        ({"format": {"type": "audio/opus"}}, "format.type"),
        ({"format": {"type": "audio/pcm", "rate": 7999}}, "format.rate"),
        ({"transcription": {"language": "Klingon"}}, "transcription.language"),
        ({"transcription": {"languages": ["de", "?"]}}, "transcription.languages"),
        ({"transcription": {"delay": "short"}}, "transcription.delay"),
        ({"transcription": {"keywords": ["x" * 101]}}, "transcription.keywords.0"),
        ({"transcription": {"prompt": "x" * 10_001}}, "transcription.prompt"),
        ({"transcription": {"speakers": {"minimum": 3, "maximum": 2}}}, "transcription.speakers"),
        ({"transcription": {"known_speaker_names": ["Ann"]}}, "transcription.known_speaker_references"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_of_its_update_holds(
    server: LiveServer, client: Client, settings: dict[str, Any], param: str
) -> None:
    audio = {"input": {"noise_reduction": {"type": "near_field"}} | settings}
    client.send("session.update", session={"type": "transcription", "audio": audio}, event_id="mine")
    error = client.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_value")
    assert error["param"] == f"session.audio.input.{param}"
    assert error["event_id"] == "mine"
    assert server.session.options == [LiveOptions()]
    assert client.update(transcription={})["audio"]["input"]["noise_reduction"] is None


@pytest.mark.parametrize("session", [None, 5, "text", []])
def test_an_update_without_a_session_is_refused(client: Client, session: object) -> None:
    client.send("session.update", session=session)
    error = client.error()
    assert (error["code"], error["param"]) == ("invalid_value", "session")


def test_an_unknown_model_is_refused(server: LiveServer, client: Client) -> None:
    client.send("session.update", session={"audio": {"input": {"transcription": {"model": "whisper-9"}}}})
    error = client.error()
    assert (error["code"], error["param"]) == ("model_not_found", "session.audio.input.transcription.model")
    assert server.session.options == [LiveOptions()]


@pytest.mark.parametrize(
    "model", ["base", "openai/whisper-base", "Systran/faster-whisper-base", "whisper-base"]
)
def test_every_name_of_a_model_works(server: LiveServer, client: Client, model: str) -> None:
    assert client.update(transcription={"model": model})["audio"]["input"]["transcription"]["model"] == model
    assert server.session.options[-1].decode.model == "whisper-base"
