"""From what happens in a session to the events that a client gets, and their order."""

from __future__ import annotations

import pytest

from exceptions import ModelFailedError
from models import Segment, TokenCounts, TokenLogprob, Word
from tests.realtime.clients import Client, LiveServer
from utils.live.events import (
    Committed,
    SpeakerSegment,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
)

PREFIX = "conversation.item.input_audio_transcription"
ITEM = {
    "id": "item_0",
    "object": "realtime.item",
    "type": "message",
    "status": "completed",
    "role": "user",
    "content": [{"type": "input_audio", "transcript": None}],
}


def said(text: str, start: int = 16_000, speaker: int | None = None) -> Segment:
    word = Word(
        start, start + 8_000, f" {text}", 0.9, (1,), speaker, (TokenLogprob(f" {text}".encode(), -0.25),)
    )
    return Segment(
        start, start + 8_000, f" {text}", (word,), (1,), start, 0.0, -0.2, 1.0, 0.0, speaker, word.logprobs
    )


def test_a_committed_turn_is_answered_in_order(client: Client) -> None:
    assert client.transcript() == "48000 bytes"
    types = [event["type"] for event in client.received]
    assert types == [
        "session.created",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{PREFIX}.completed",
    ]
    committed, added, done = client.received[1:4]
    assert committed["item_id"] == "item_0"
    assert committed["previous_item_id"] is None
    assert (added["item"], done["item"]) == (ITEM, ITEM)
    assert client.transcript() == "48000 bytes"
    assert client.received[5]["previous_item_id"] == "item_0"


def test_a_turn_by_voice_activity(server: LiveServer, client: Client) -> None:
    server.session.say(
        SpeechStarted("item_9", 16_000),
        TextDelta("item_9", " Good"),
        SpeechStopped("item_9", 40_000),
        Committed("item_9", None),
        TextDelta("item_9", " day"),
        SpeakerSegment("item_9", "seg_1", 16_000, 32_008, "Ann", " Good day"),
        TurnCompleted("item_9", "Good day", num_samples=24_000),
    )
    events = [client.next() for _ in range(9)]
    assert [event["type"].removeprefix(PREFIX) for event in events] == [
        "input_audio_buffer.speech_started",
        ".delta",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        ".delta",
        ".segment",
        ".completed",
    ]
    assert (events[0]["audio_start_ms"], events[2]["audio_end_ms"]) == (1000, 2500)
    assert [events[1]["delta"], events[6]["delta"]] == [" Good", " day"]
    assert "interim" not in events[1]
    segment = events[7]
    assert (segment["id"], segment["start"], segment["end"]) == ("seg_1", 1.0, 2.001)
    assert (segment["speaker"], segment["text"], segment["content_index"]) == ("Ann", " Good day", 0)
    assert events[8]["transcript"] == "Good day"
    assert len({event["event_id"] for event in client.received}) == len(client.received)


def test_a_turn_without_words_is_completed_too(server: LiveServer, client: Client) -> None:
    server.session.say(Committed("item_0", None), TurnCompleted("item_0", ""))
    completed = client.wait_for(f"{PREFIX}.completed")
    assert completed["transcript"] == ""
    assert "languages" not in completed


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("whisper-1", {"type": "duration", "seconds": 1.5}),
        (None, {"type": "duration", "seconds": 1.5}),
        *(
            (
                name,
                {
                    "type": "tokens",
                    "input_tokens": 82,
                    "output_tokens": 5,
                    "total_tokens": 87,
                    "input_token_details": {"text_tokens": 7, "audio_tokens": 75},
                },
            )
            for name in ("gpt-4o-transcribe", "gpt-live-transcribe", "openai/gpt-realtime-whisper")
        ),
    ],
)
def test_usage_is_in_the_unit_of_the_model(
    server: LiveServer, client: Client, model: str | None, usage: dict[str, object]
) -> None:
    client.update(transcription={"model": model})
    server.session.say(TurnCompleted("item_0", "a", counts=TokenCounts(7, 75, 5), num_samples=24_000))
    assert client.wait_for(f"{PREFIX}.completed")["usage"] == usage


def test_languages_come_with_their_codes(server: LiveServer, client: Client) -> None:
    server.session.say(TurnCompleted("item_0", "a", languages=("de", "en")))
    assert client.wait_for(f"{PREFIX}.completed")["languages"] == [{"code": "de"}, {"code": "en"}]


def test_log_probabilities_come_where_they_are_asked_for(server: LiveServer, client: Client) -> None:
    turn = TurnCompleted("item_0", "Hello", (said("Hello"),))
    server.session.say(turn)
    assert "logprobs" not in client.wait_for(f"{PREFIX}.completed")
    include = ["item.input_audio_transcription.logprobs", "something.new"]
    client.send("session.update", session={"type": "transcription", "include": include})
    assert client.wait_for("session.updated")["session"]["include"] == include[:1]
    assert server.session.options[-1].decode.logprobs
    server.session.say(turn)
    logprobs = client.wait_for(f"{PREFIX}.completed")["logprobs"]
    assert logprobs == [{"token": "Hello", "bytes": list(b"Hello"), "logprob": -0.25}]


def test_our_words_and_interim_come_where_they_are_asked_for(server: LiveServer, client: Client) -> None:
    turn = TurnCompleted("item_0", "Hello", (said("Hello", speaker=1),), labels=("A", "Ann"))
    server.session.say(turn)
    assert "words" not in client.wait_for(f"{PREFIX}.completed")
    client.update(transcription={"words": True, "interim": True})
    assert server.session.options[-1].interim
    server.session.say(TextDelta("item_1", "", " perhaps"), turn)
    assert client.wait_for(f"{PREFIX}.delta")["interim"] == " perhaps"
    word = {"word": "Hello", "start": 1.0, "end": 1.5, "probability": 0.9, "speaker": "Ann"}
    assert client.wait_for(f"{PREFIX}.completed")["words"] == [word]


def test_a_turn_that_fails_ends_nothing_else(server: LiveServer, client: Client) -> None:
    server.session.say(Committed("item_0", None), TurnFailed("item_0", ModelFailedError("out of memory")))
    failed = client.wait_for(f"{PREFIX}.failed")
    assert failed["error"] == {
        "type": "server_error",
        "code": "model_failed",
        "message": "out of memory",
        "param": None,
    }
    assert client.transcript() == "48000 bytes"


def test_what_is_cleared_is_not_transcribed(server: LiveServer, client: Client) -> None:
    client.send("input_audio_buffer.clear")
    client.wait_for("input_audio_buffer.cleared")  # no error, though there was nothing
    client.append()
    client.send("input_audio_buffer.clear")
    client.wait_for("input_audio_buffer.cleared")
    client.send("input_audio_buffer.commit", event_id="mine")
    assert client.error()["code"] == "input_audio_buffer_commit_empty"


def test_items_are_retrieved_and_deleted(server: LiveServer, client: Client) -> None:
    client.transcript()
    client.send("conversation.item.retrieve", item_id="item_0")
    item = client.wait_for("conversation.item.retrieved")["item"]
    assert item == ITEM | {"content": [{"type": "input_audio", "transcript": "48000 bytes"}]}
    client.send("conversation.item.delete", item_id="item_0")
    assert client.wait_for("conversation.item.deleted")["item_id"] == "item_0"
    client.send("conversation.item.retrieve", item_id="item_0", event_id="mine")
    assert client.error() | {"message": ""} == {
        "type": "invalid_request_error",
        "code": "item_not_found",
        "message": "",
        "param": "item_id",
        "event_id": "mine",
    }


def test_only_the_latest_items_are_kept(server: LiveServer, client: Client) -> None:
    server.session.say(
        *(Committed(f"item_{n}", None) for n in range(51)), TurnFailed("x", ModelFailedError(""))
    )
    client.wait_for(f"{PREFIX}.failed")
    client.send("conversation.item.retrieve", item_id="item_1")
    client.wait_for("conversation.item.retrieved")
    client.send("conversation.item.retrieve", item_id="item_0")
    assert client.error()["code"] == "item_not_found"
