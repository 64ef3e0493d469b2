"""The beta's flat spelling of a session, by header or by the event that is sent."""

from __future__ import annotations

from typing import Any

import pytest

from options import Encoding, LiveFormat, ServerVad
from tests.realtime.clients import Client, LiveServer

FLAT = {
    "input_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "Hello."},
    "input_audio_noise_reduction": {"type": "near_field"},
    "turn_detection": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 400,
    },
    "include": ["item.input_audio_transcription.logprobs"],
}


@pytest.mark.parametrize(
    "options",
    [
        {"additional_headers": {"OpenAI-Beta": "realtime=v1"}},
        {"subprotocols": ["realtime", "openai-beta.realtime-v1"]},
    ],
)
def test_who_says_so_is_answered_in_the_beta_from_the_start(
    server: LiveServer, options: dict[str, Any]
) -> None:
    with server.connected(**options) as client:
        (created,) = client.received
        assert created["type"] == "transcription_session.created"
        assert created["session"]["input_audio_format"] == "pcm16"
        client.commit()
        item = client.wait_for("conversation.item.created")
        assert item["item"]["id"] == "item_0"
        assert not [event for event in client.received if event["type"] == "conversation.item.added"]


def test_an_update_of_the_beta(server: LiveServer, client: Client) -> None:
    client.send(
        "transcription_session.update", session=FLAT | {"modalities": ["text"], "client_secret": None}
    )
    session = client.wait_for("transcription_session.updated")["session"]
    assert {name: session[name] for name in FLAT} == FLAT
    assert (session["object"], session["client_secret"]) == ("realtime.transcription_session", None)
    options = server.session.options[-1]
    assert options.audio == LiveFormat(Encoding.ULAW, 8000)
    assert options.turns == ServerVad(silence=6400)
    assert (options.decode.language, options.decode.logprobs) == ("en", True)
    client.send("transcription_session.update", session={"turn_detection": None})
    session = client.wait_for("transcription_session.updated")["session"]
    assert session["turn_detection"] is None
    assert session["input_audio_format"] == "g711_ulaw"


def test_a_flat_session_update_is_the_beta_too(server: LiveServer, client: Client) -> None:
    """As samples for telephony send it."""
    flat = {
        "turn_detection": {"type": "server_vad"},
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_ulaw",
        "voice": "alloy",
        "instructions": "Be kind.",
        "modalities": ["text", "audio"],
        "temperature": 0.8,
    }
    client.send("session.update", session=flat)
    client.is_checked = False
    session = client.wait_for("session.updated")["session"]
    assert session["input_audio_format"] == "g711_ulaw"
    assert server.session.options[-1].audio.encoding is Encoding.ULAW
    client.append(bytes(32_000))
    client.send("input_audio_buffer.commit")
    client.wait_for("conversation.item.created")


def test_a_nested_update_is_answered_in_the_current_spelling(client: Client) -> None:
    client.send("transcription_session.update", session=FLAT)
    client.wait_for("transcription_session.updated")
    assert client.update(turn_detection=None)["audio"]["input"]["format"] == {"type": "audio/pcmu"}


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"input_audio_format": "opus"}, "session.input_audio_format"),
        (
            {"input_audio_transcription": {"language": "Klingon"}},
            "session.input_audio_transcription.language",
        ),
        ({"turn_detection": {"threshold": -1}}, "session.turn_detection.threshold"),
        ({"input_audio_noise_reduction": {"type": "x"}}, "session.input_audio_noise_reduction.type"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_sent(client: Client, session: dict[str, Any], param: str) -> None:
    client.send("transcription_session.update", session=session)
    error = client.error()
    assert (error["code"], error["param"]) == ("invalid_value", param)
