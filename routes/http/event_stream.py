"""Server-sent events: the response to stream=true."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing
from itertools import chain

from fastapi import Request

from exceptions import TranscriptionServerError, UnexpectedError
from routes.http.body_stream import BodyStream
from routes.http.disconnect import until_disconnect
from routes.http.middleware import request_id_of
from utils.answers.wire import AnswerForm
from utils.response_formatter import in_blocks
from utils.transcript.events import Event
from utils.transcript.wire_events import WireEvents
from utils.waiting.concurrency import in_thread, with_pauses

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 10  # so that proxies do not close an idle connection
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
END_OF_EVENT = b"\n\n"
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
    lines = _lines(first, stream, WireEvents(form))
    resources = resources.pop_all()
    return EventStream(ending_in_error(lines, resources, request_id_of(request), DONE), resources)


async def ending_in_error(
    lines: AsyncGenerator[bytes], resources: AsyncExitStack, request_id: str, end: bytes = b""
) -> AsyncGenerator[bytes]:
    """`lines` in blocks and `end`, or the error at which they ended, perhaps within an event. Releases
    `resources`, among them the admission, before the last line: a client may then send its next request."""
    block = END_OF_EVENT
    try:
        # Inside: when the server shuts down it is the admission that says so, on being released.
        async with resources, aclosing(lines):
            async for block in lines:
                yield block
    except TranscriptionServerError as error:
        logger.error("%s: %s", request_id, error.message)
        end = _data(json.dumps({"error": error.body}))
    except Exception:
        logger.exception("%s: failed after the response had started", request_id)
        end = _data(json.dumps({"error": UnexpectedError().body}))
    if end:
        yield end if block.endswith(END_OF_EVENT) else END_OF_EVENT + end


async def _next(stream: AsyncGenerator[Event | None]) -> Event | None:
    return await anext(stream)


async def _lines(
    first: Event | None, stream: AsyncGenerator[Event | None], wire_events: WireEvents
) -> AsyncGenerator[bytes]:
    async with aclosing(stream):
        async for block in in_thread(_blocks_of(wire_events, first)):
            yield block
        async for event in stream:
            async for block in in_thread(_blocks_of(wire_events, event)):
                yield block


def _blocks_of(events: WireEvents, event: Event | None) -> Iterator[bytes]:
    """The lines of an event. Consume it in a thread: the last event holds the whole text."""
    if event is None:
        yield KEEP_ALIVE
        return
    lines = (chain(["data: "], wire.pieces, ["\n\n"]) for wire in events.convert(event))
    yield from in_blocks(chain.from_iterable(lines))


def _data(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
