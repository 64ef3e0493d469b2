"""Server-sent events: the response to stream=true."""

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

KEEP_ALIVE_SECONDS = 10  # so that proxies do not close an idle connection
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class EventStream(BodyStream):
    """A response of server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[bytes], resources: AsyncExitStack) -> None:
        super().__init__(lines, resources, headers=HEADERS)


async def answer_events(
    request: Request,
    events: AsyncGenerator[Event],
    form: AnswerForm,
    resources: AsyncExitStack,
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
) -> EventStream:
    """The response; takes over `resources` and closes them at its end. An error before the first event or
    keep-alive is raised, so that it gets its own HTTP status."""
    stream = with_pauses(events, keep_alive_seconds)
    try:
        first = await until_disconnect(request, _next(stream))
    except BaseException:
        await stream.aclose()
        raise
    resources = resources.pop_all()
    return EventStream(_lines(first, stream, form, resources, request_id_of(request)), resources)


async def _next(stream: AsyncGenerator[Event | None]) -> Event | None:
    return await anext(stream)


async def _lines(
    first: Event | None,
    stream: AsyncGenerator[Event | None],
    form: AnswerForm,
    resources: AsyncExitStack,
    request_id: str,
) -> AsyncGenerator[bytes]:
    """Releases `resources`, among them the admission, before the last line: a client may then send its next
    request."""
    wire_events, last = WireEvents(form), DONE
    async with resources, aclosing(stream):
        try:
            for line in _lines_of(wire_events, first):
                yield line
            async for event in stream:
                for line in _lines_of(wire_events, event):
                    yield line
        except TranscriptionServerError as error:
            logger.error("%s: %s", request_id, error.message)
            last = _data(json.dumps({"error": error.body}))
        except Exception:
            logger.exception("%s: failed after the response had started", request_id)
            last = _data(json.dumps({"error": UnexpectedError().body}))
    yield last


def _lines_of(events: WireEvents, event: Event | None) -> list[bytes]:
    if event is None:
        return [KEEP_ALIVE]
    return [_data(wire.model_dump_json(exclude_none=True)) for wire in events.convert(event)]


def _data(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
