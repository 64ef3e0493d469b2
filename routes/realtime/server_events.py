"""Events of a session as they go over the wire. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from exceptions import TranscriptionServerError
from models import SAMPLE_RATE
from routes.realtime.dialect import Dialect, SessionView
from routes.realtime.items import item_object
from services.requests.live_session import LiveRequest
from services.requests.live_settings import LOGPROBS
from utils.answers.json_body import wire_word
from utils.answers.token_logprobs import wire_logprobs
from utils.answers.usage import tokens_of
from utils.answers.wire import DurationUsage
from utils.live.events import (
    Cleared,
    Committed,
    LiveEvent,
    SpeakerSegment,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    TurnCompleted,
    TurnFailed,
)

TRANSCRIPTION = "conversation.item.input_audio_transcription"
Wire = dict[str, Any]


def event(event_type: str, **fields: Any) -> Wire:
    return {"type": event_type, "event_id": f"event_{uuid.uuid4().hex}", **fields}


def session_event(event_type: str, dialect: Dialect, view: SessionView) -> Wire:
    return event(event_type, session=dialect.session(view))


def error_event(error: TranscriptionServerError, caused_by: str | None = None) -> Wire:
    return event("error", error=error.body | {"event_id": caused_by})


def wire_events(happened: LiveEvent, dialect: Dialect, request: LiveRequest) -> Iterator[Wire]:
    match happened:
        case SpeechStarted(item_id, start):
            yield event(
                "input_audio_buffer.speech_started", audio_start_ms=_milliseconds(start), item_id=item_id
            )
        case SpeechStopped(item_id, stop):
            yield event(
                "input_audio_buffer.speech_stopped", audio_end_ms=_milliseconds(stop), item_id=item_id
            )
        case Committed(item_id, previous_id):
            yield event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous_id)
            for event_type in dialect.item_events:
                yield event(event_type, previous_item_id=previous_id, item=item_object(item_id))
        case Cleared():
            yield event("input_audio_buffer.cleared")
        case TextDelta(item_id, text, interim):
            ours = {} if interim is None else {"interim": interim}
            yield _of_item("delta", item_id, delta=text, **ours)
        case SpeakerSegment():
            yield _of_item(
                "segment",
                happened.item_id,
                id=happened.segment_id,
                start=_seconds(happened.start),
                end=_seconds(happened.stop),
                speaker=happened.speaker,
                text=happened.text,
            )
        case TurnCompleted(item_id, text):
            fields = _details(happened, request)
            yield _of_item("completed", item_id, transcript=text, usage=_usage(happened, request), **fields)
        case TurnFailed(item_id, error):
            yield _of_item("failed", item_id, error=error.body)


def _of_item(name: str, item_id: str, **fields: Any) -> Wire:
    return event(f"{TRANSCRIPTION}.{name}", item_id=item_id, content_index=0, **fields)


def _details(turn: TurnCompleted, request: LiveRequest) -> Wire:
    """`languages` where one was heard; log-probabilities, and our words, where they were asked for."""
    details: Wire = {}
    if turn.languages:
        details["languages"] = [{"code": code} for code in turn.languages]
    if LOGPROBS in request.settings.include:
        details["logprobs"] = [wire.model_dump() for wire in wire_logprobs(turn.segments)]
    if request.settings.transcription.words:
        words = (word for segment in turn.segments for word in segment.words)
        details["words"] = [wire_word(word, turn.labels).model_dump(exclude_none=True) for word in words]
    return details


def _usage(turn: TurnCompleted, request: LiveRequest) -> Wire:
    """Tokens for names that begin with `gpt-`, as hosted, else seconds."""
    if request.counts_tokens:
        return tokens_of(turn.counts).model_dump()
    return DurationUsage(seconds=_seconds(turn.num_samples)).model_dump()


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)


def _milliseconds(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
