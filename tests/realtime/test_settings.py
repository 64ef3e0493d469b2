"""Updates of settings and frames of any kind: pure, so that whatever is sent can be tried."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from exceptions import InvalidRequestError
from routes.realtime.beta_session import BETA
from routes.realtime.client_events import InvalidEventError, audio_of, read_event
from routes.realtime.dialect import SessionView
from routes.realtime.ga_session import GA
from routes.realtime.outbox import MAX_BYTES, MAX_EVENTS, Outbox
from services.requests.live_session import LiveRequest
from services.requests.live_settings import LiveSettings

NAMES = (
    *("audio", "input", "format", "type", "rate", "transcription", "language", "languages", "keywords"),
    *("turn_detection", "threshold", "noise_reduction", "strength", "include", "store", "speakers", "delay"),
    *("input_audio_format", "input_audio_transcription", "known_speaker_names", "minimum", "maximum"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 60_000)
    | st.floats()
    | st.sampled_from(["audio/pcm", "audio/pcmu", "server_vad", "semantic_vad", "none", "pcm16", "de", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
UPDATES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)


def applied(settings: LiveSettings, changes: Any) -> LiveSettings:
    """As they are, if they are refused."""
    try:
        return settings.updated(changes)
    except InvalidRequestError:
        return settings


@given(st.lists(UPDATES, max_size=3))
def test_updates_hold_or_are_refused_and_can_be_told(updates: list[dict[str, Any]]) -> None:
    settings = LiveSettings()
    for update in updates:
        for dialect in (GA, BETA):
            settings = applied(settings, dialect.changes(update))
            assert settings.updated({}) == settings
            told = dialect.session(SessionView("sess_1", LiveRequest(settings)))
            assert settings.updated(dialect.changes(told)).input.format == settings.input.format
            json.dumps(told, allow_nan=False)


def inputs(**changes: Any) -> dict[str, Any]:
    return {"audio": {"input": changes}}


def test_only_what_is_named_changes() -> None:
    before = LiveSettings().updated(inputs(format={"rate": 16_000}, transcription={"prompt": "a"}))
    after = before.updated(inputs(transcription={"language": "de"}))
    assert after.input.format.rate == 16_000
    assert (after.transcription.prompt, after.transcription.language) == ("a", "de")
    assert after.updated(inputs(format={"type": "audio/pcm"})).input.format.rate == 16_000
    assert after.updated(inputs(format={"type": "audio/pcmu"})).input.format.type == "audio/pcmu"
    assert after.updated({"audio": None}) == LiveSettings()


@pytest.mark.parametrize("none", [None, {"type": "none"}])
def test_turn_detection_that_is_switched_off_stays_off(none: object) -> None:
    settings = LiveSettings().updated(inputs(turn_detection=none))
    assert settings.updated(inputs(transcription={"model": "whisper-1"})).turn_detection is None


@given(st.binary(max_size=300) | st.text(max_size=300) | UPDATES.map(json.dumps))
async def test_any_frame_is_an_event_or_none(frame: str | bytes) -> None:
    kind = "text" if isinstance(frame, str) else "bytes"
    message: Message = {"type": "websocket.receive", kind: frame}
    try:
        event = await read_event(message)
    except InvalidEventError:
        return
    assert event.type


@given(st.text(max_size=60) | st.binary(max_size=60).map(bytes.hex))
async def test_any_audio_is_base64_or_refused(text: str) -> None:
    event = await read_event({"text": json.dumps({"type": "x", "audio": text}, ensure_ascii=False)})
    with suppress(InvalidRequestError):
        assert len(await audio_of(event)) <= len(text)


def test_the_outbox_is_bounded_by_number_and_size() -> None:
    many, large = Outbox(), Outbox()
    for _ in range(MAX_EVENTS):
        many.put("x")
    for _ in range(2):
        large.put("x" * (MAX_BYTES - 1))
    for outbox in (many, large):
        assert not outbox.overflowed.is_set()
        outbox.put("x")
        assert outbox.overflowed.is_set()
