"""From audio to events: what the server sends for each thing that happens, in which order."""

from __future__ import annotations

from tests.realtime.clients import Client, LiveServer


def test_a_committed_turn_is_answered_in_order(client: Client) -> None:
    assert client.transcript() == "48000 bytes"
    types = [event["type"] for event in client.received]
    assert types == [
        "session.created",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
    ]
