"""Frames of a client to events."""

from __future__ import annotations

import binascii
from asyncio import to_thread
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from starlette.types import Message

from exceptions import InvalidRequestError

MAX_AUDIO_BYTES = 15 * 1024 * 1024  # in one event, as hosted
MAX_FRAME_BYTES = 22 * 1024 * 1024  # the audio in base64, and what else is in the event
MAX_VALUES = 20_000  # in one event; each takes much more memory than it has characters
LARGE = 128 * 1024  # characters; parsing more takes a thread
BLOCK = 1024 * 1024  # characters of base64 decoded at once; the interpreter's lock is held meanwhile
MAX_EVENT_ID = 512


class InvalidEventError(InvalidRequestError):
    """What was sent is no event."""

    code = "invalid_event"


@dataclass(frozen=True, slots=True)
class ClientEvent:
    type: str
    event_id: str | None
    fields: dict[str, Any]


async def read_event(message: Message) -> ClientEvent:
    """The event of a frame, of text or of the same as bytes. Raises InvalidEventError."""
    frame = message.get("text") or message.get("bytes") or ""
    return await to_thread(_parse, frame) if len(frame) > LARGE else _parse(frame)


async def audio_of(event: ClientEvent) -> bytes:
    """The audio of an append, which the event then holds no longer. Raises InvalidRequestError."""
    encoded = event.fields.pop("audio", None)
    if not isinstance(encoded, str):
        raise _invalid_audio("'audio' must be a string of base64.")
    if len(encoded) // 4 * 3 - encoded[-2:].count("=") > MAX_AUDIO_BYTES:
        raise InvalidRequestError(
            f"An event may hold at most {MAX_AUDIO_BYTES} bytes of audio; send it in several.",
            param="audio",
            code="input_audio_buffer_append_too_large",
        )
    return await to_thread(_decode, encoded) if len(encoded) > LARGE else _decode(encoded)


def _parse(frame: str | bytes) -> ClientEvent:
    if _values(frame) > MAX_VALUES:
        raise InvalidEventError(f"An event may hold at most {MAX_VALUES} values.")
    try:
        fields = from_json(frame)
    except ValueError as error:
        raise InvalidEventError("The frame is not valid JSON; send one object in each.") from error
    if not isinstance(fields, dict):
        raise InvalidEventError("The frame is not a JSON object.")
    event_type, event_id = fields.get("type"), fields.get("event_id")
    if not (isinstance(event_type, str) and event_type):
        raise InvalidEventError("The event has no 'type'.", param="type")
    return ClientEvent(event_type, event_id[:MAX_EVENT_ID] if isinstance(event_id, str) else None, fields)


def _values(frame: str | bytes) -> int:
    """At least as many as there are, counted before any is made."""
    if isinstance(frame, str):
        return frame.count(",") + frame.count("[") + frame.count("{")
    return frame.count(b",") + frame.count(b"[") + frame.count(b"{")


def _decode(encoded: str) -> bytes:
    decoded = bytearray()
    for start in range(0, len(encoded), BLOCK):
        block = encoded[start : start + BLOCK]
        try:
            decoded += binascii.a2b_base64(block, strict_mode=True)
        except ValueError as error:
            raise _invalid_audio(f"'audio' is not valid base64: {error}.") from error
        if len(decoded) % 3 and start + BLOCK < len(encoded):
            raise _invalid_audio("'audio' is not valid base64: there is padding in its middle.")
    return bytes(decoded)


def _invalid_audio(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, param="audio", code="invalid_value")
