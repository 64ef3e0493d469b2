"""Answers that are made while they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from itertools import chain, islice

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from routes.http.disconnect import until_disconnect
from routes.http.middleware import request_id_of

logger = logging.getLogger(__name__)

STALLED_SECONDS = 60  # a client that takes nothing for so long has left


class BodyStream(StreamingResponse):
    """Parts that are made as fast as the client takes them, and no more of them once it is gone. Holds what
    they need until then."""

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        needed: AsyncExitStack,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parts, media_type=media_type, headers=headers)
        self._parts = parts
        self._needed = needed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_soon(message: Message) -> None:
            async with asyncio.timeout(STALLED_SECONDS):
                await send(message)

        request = Request(scope, receive)
        async with self._needed, aclosing(self._parts):
            try:
                await until_disconnect(request, self.stream_response(send_soon))
            except (ClientDisconnect, TimeoutError):
                logger.info("%s: the client left", request_id_of(request))


async def answer_body(
    blocks: Iterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """One block goes out as it is, with its length; more are made one by one, so that an answer of any length
    takes the memory of a block."""
    first = await asyncio.to_thread(lambda: list(islice(blocks, 2)))
    if len(first) < 2:
        return Response(b"".join(first), media_type=media_type, headers=headers)
    return BodyStream(_in_thread(chain(first, blocks)), AsyncExitStack(), media_type, headers)


async def _in_thread(blocks: Iterator[bytes]) -> AsyncGenerator[bytes]:
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block
