"""Streamed response bodies, with backpressure and disconnect detection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from itertools import chain, islice

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from routes.http.disconnect import until_disconnect
from routes.http.middleware import request_id_of
from utils.waiting.concurrency import in_thread

logger = logging.getLogger(__name__)

STALLED_SECONDS = 60.0  # a client that reads nothing for this long is treated as disconnected


class BodyStream(StreamingResponse):
    """Produces parts no faster than the client reads them and stops when it disconnects; then closes
    `resources`."""

    stalled_seconds = STALLED_SECONDS

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        resources: AsyncExitStack,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parts, media_type=media_type, headers=headers)
        self._parts = parts
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        async with self._resources, aclosing(self._parts):
            try:
                await until_disconnect(request, self.stream_response(_timed(send, self.stalled_seconds)))
            except (ClientDisconnect, TimeoutError):
                logger.info("%s: client disconnected", request_id_of(request))
            except asyncio.CancelledError:
                # Cancelled at shutdown, and told so in the last part: what was admitted undid the
                # cancellation when `resources` were closed, in the task of `stream_response`.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise


class StoredBody(FileResponse):
    """A file, read no faster than the client does; FileResponse itself stops when the client disconnects."""

    stalled_seconds = STALLED_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, _timed(send, self.stalled_seconds))
        except TimeoutError:
            logger.info("%s: client disconnected", request_id_of(Request(scope)))


def _timed(send: Send, seconds: float) -> Send:
    async def send_or_time_out(message: Message) -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    return send_or_time_out


async def answer_body(
    blocks: Iterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A single block is sent with its Content-Length; more are streamed one by one, so that a body of any
    size needs the memory of one block."""
    first = await asyncio.to_thread(lambda: list(islice(blocks, 2)))
    if len(first) < 2:
        return Response(b"".join(first), media_type=media_type, headers=headers)
    return BodyStream(in_thread(chain(first, blocks)), AsyncExitStack(), media_type, headers)
