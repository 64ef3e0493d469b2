"""Frames that cannot be understood, and events that cannot be carried out: the session goes on."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from routes.realtime.client_events import MAX_AUDIO_BYTES, MAX_FRAME_BYTES, MAX_VALUES
from routes.realtime.protocol import MAX_FRAGMENTS
from tests.realtime.clients import Client, LiveServer
from tests.servers import wait_until

COMPLETED = "conversation.item.input_audio_transcription.completed"
RUBBISH: tuple[str | bytes, ...] = (
    "",
    "rubbish",
    "[]",
    '"text"',
    "{}",
    '{"type": 5}',
    '{"type": ""}',
    '{"type": "input_audio_buffer.commit"',
    "[" * 5000,
    '{"type": "\\ud800"}',
    f'{{"type": "session.update", "session": [{"0," * MAX_VALUES}0]}}',
    b"\xff\xfe",
    bytes(100),
)


@pytest.mark.parametrize("frame", RUBBISH, ids=range(len(RUBBISH)))
def test_a_frame_that_is_no_event_is_answered(client: Client, frame: str | bytes) -> None:
    client.socket.send(frame)
    error = client.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_event")
    assert client.transcript() == "48000 bytes"


def test_twenty_such_frames_in_a_row_end_the_session(client: Client) -> None:
    for _ in range(19):
        client.socket.send("rubbish")
        client.error()
    assert client.transcript() == "48000 bytes"
    for _ in range(20):
        client.socket.send("rubbish")
    assert client.closed() == (1008, "20 frames in a row were no events.")
    assert [event["type"] for event in client.received[-20:]] == ["error"] * 20


def test_text_in_a_binary_frame_is_understood(client: Client) -> None:
    append = {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(4800)).decode()}
    client.socket.send(json.dumps(append).encode())
    client.socket.send(json.dumps({"type": "input_audio_buffer.commit"}).encode())
    client.wait_for("input_audio_buffer.committed")


def test_an_unknown_type_is_answered(client: Client) -> None:
    for number in range(25):  # they are events, so that many of them end nothing
        client.send("input_audio_buffer.flush", event_id=f"event_{number}")
        assert client.error() | {"message": ""} == {
            "type": "invalid_request_error",
            "code": "invalid_value",
            "message": "",
            "param": "type",
            "event_id": f"event_{number}",
        }
    assert client.transcript() == "48000 bytes"


@pytest.mark.parametrize(
    "event_type",
    [
        "response.create",
        "response.cancel",
        "conversation.item.create",
        "conversation.item.truncate",
        "output_audio_buffer.clear",
    ],
)
def test_what_belongs_to_conversations_is_not_supported(client: Client, event_type: str) -> None:
    client.send(event_type, event_id="mine", response={}, item={})
    error = client.error()
    assert (error["code"], error["event_id"]) == ("not_supported", "mine")
    assert client.transcript() == "48000 bytes"


@pytest.mark.parametrize("event_id", [5, None, {"a": 1}])
def test_an_event_id_that_is_no_text_is_not_echoed(client: Client, event_id: object) -> None:
    client.send("response.create", event_id=event_id)
    assert client.error()["event_id"] is None


@pytest.mark.parametrize("audio", ["a", "AAA", "AA=A", "AAA*", "AA AA", None, 5, ["AAAA"]])
def test_audio_that_is_no_base64_is_dropped(server: LiveServer, client: Client, audio: object) -> None:
    client.append()
    client.send("input_audio_buffer.append", audio=audio, event_id="mine")
    error = client.error()
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "audio", "mine")
    client.send("input_audio_buffer.commit")
    client.wait_for("input_audio_buffer.committed")
    assert len(server.session.audio) == 48_000


@pytest.mark.parametrize("position", [1024 * 1024 - 1, 200_000])
def test_padding_within_long_audio_is_no_base64(server: LiveServer, client: Client, position: int) -> None:
    encoded = "A" * position + "=" + "A" * (1_400_000 - position - 1)
    client.send("input_audio_buffer.append", audio=encoded)
    assert client.error()["code"] == "invalid_value"
    assert not server.session.audio


def test_the_most_audio_that_an_event_may_hold(server: LiveServer, client: Client) -> None:
    audio = bytes(range(256)) * (MAX_AUDIO_BYTES // 256)
    client.append(audio)
    client.send("input_audio_buffer.commit")
    client.wait_for(COMPLETED)
    assert server.session.audio == audio
    client.append(audio + b"x")
    error = client.error()
    assert (error["code"], error["param"]) == ("input_audio_buffer_append_too_large", "audio")
    assert server.session.audio == audio
    assert client.transcript() == "48000 bytes"


def test_audio_arrives_as_it_was_sent(server: LiveServer, client: Client) -> None:
    """Odd pieces too: a sample may be cut in two."""
    pieces = [bytes([number]) * (2 * number + 4801) for number in range(5)]
    for piece in pieces:
        client.append(piece)
    client.append(b"")
    client.send("input_audio_buffer.commit")
    client.wait_for("input_audio_buffer.committed")
    assert server.session.audio == b"".join(pieces)


@pytest.mark.parametrize("milliseconds", [0, 99])
def test_a_commit_of_hardly_any_audio_is_refused(client: Client, milliseconds: int) -> None:
    client.append(bytes(48 * milliseconds))
    client.send("input_audio_buffer.commit", event_id="mine")
    error = client.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", "input_audio_buffer_commit_empty")
    assert error["event_id"] == "mine"
    assert f"{milliseconds} ms" in error["message"]
    assert client.transcript()


def test_two_commits_make_one_item(client: Client) -> None:
    client.commit()
    client.send("input_audio_buffer.commit")
    types = {client.next()["type"] for _ in range(5)}
    assert "error" in types
    assert client.transcript() == "48000 bytes"


@pytest.mark.parametrize("fragments", [1, 3])
def test_a_message_that_is_too_long_closes_the_connection(client: Client, fragments: int) -> None:
    piece = "x" * (MAX_FRAME_BYTES // fragments + 1)
    with suppress(ConnectionClosed):  # perhaps it has been closed before all is sent
        client.socket.send([piece] * fragments if fragments > 1 else piece)
    assert client.closed()[0] == 1009


def test_text_that_is_no_text_closes_the_connection(server: LiveServer, client: Client) -> None:
    client.socket.send(b'{"type": "\xff"}', text=True)
    assert client.closed()[0] == 1007
    wait_until(lambda: server.session.has_ended)


def test_a_message_in_too_many_fragments_closes_the_connection(client: Client) -> None:
    client.socket.send(["{", *[""] * (MAX_FRAGMENTS - 3), "}"])  # and an empty one that ends it
    assert client.error()["code"] == "invalid_event"
    with suppress(ConnectionClosed):
        client.socket.send([""] * (MAX_FRAGMENTS + 1))
    assert client.closed()[0] == 1009


def test_a_failure_of_the_session_itself_is_told(server: LiveServer, client: Client) -> None:
    server.session.say(RuntimeError("a bug"))
    code, _ = client.closed()
    assert code == 1011
    error: dict[str, Any] = client.received[-1]["error"]
    assert error["type"] == "server_error"
    assert "a bug" not in error["message"]
