"""Server-sent events: the answer to stream=true."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

from fastapi import Request

from exceptions import TranscriptionServerError, UnexpectedError
from routes.http.body_stream import BodyStream
from routes.http.disconnect import until_disconnect
from routes.http.middleware import request_id_of
from utils.answers.wire import AnswerForm
from utils.transcript.events import Event
from utils.transcript.wire_events import WireEvents
from utils.waiting.concurrency import with_pauses

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 10  # so that no proxy takes the connection for dead
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class EventStream(BodyStream):
    """The lines of an answer."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[bytes], needed: AsyncExitStack) -> None:
        super().__init__(lines, needed, headers=HEADERS)


async def answer_events(
    request: Request,
    events: AsyncGenerator[Event],
    form: AnswerForm,
    needed: AsyncExitStack,
    pause: float = KEEP_ALIVE_SECONDS,
) -> EventStream:
    """The answer, which closes `needed` at its end. What fails before the first event, or within the first
    pause, is raised, to be told with a status of its own."""
    beats = with_pauses(events, pause)
    try:
        first = await until_disconnect(request, _next(beats))
    except BaseException:
        await beats.aclose()
        raise
    needed = needed.pop_all()
    return EventStream(_lines(first, beats, form, needed, request_id_of(request)), needed)


async def _next(beats: AsyncGenerator[Event | None]) -> Event | None:
    return await anext(beats)


async def _lines(
    first: Event | None,
    beats: AsyncGenerator[Event | None],
    form: AnswerForm,
    needed: AsyncExitStack,
    request_id: str,
) -> AsyncGenerator[bytes]:
    """Its place in the house is free again before the client hears of the end."""
    wire_events, last = WireEvents(form), DONE
    async with needed, aclosing(beats):
        try:
            for line in _lines_of(wire_events, first):
                yield line
            async for event in beats:
                for line in _lines_of(wire_events, event):
                    yield line
        except TranscriptionServerError as error:
            logger.error("%s: %s", request_id, error.message)
            last = _data(json.dumps({"error": error.body}))
        except Exception:
            logger.exception("%s: failed after its answer had begun", request_id)
            last = _data(json.dumps({"error": UnexpectedError().body}))
    yield last


def _lines_of(events: WireEvents, event: Event | None) -> list[bytes]:
    if event is None:
        return [KEEP_ALIVE]
    return [_data(wire.model_dump_json(exclude_none=True)) for wire in events.convert(event)]


def _data(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
