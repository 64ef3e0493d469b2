"""Files as response bodies."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from routes.http.body_stream import STALLED_SECONDS
from routes.http.middleware import request_id_of

logger = logging.getLogger(__name__)


class OpenFileResponse(FileResponse):
    """Sends an open file, ranges of it included, and closes it. It may be deleted meanwhile: the name under
    /dev/fd stands for the open file. A client that reads nothing for STALLED_SECONDS is cut off."""

    def __init__(self, file: BinaryIO, media_type: str, filename: str) -> None:
        super().__init__(
            f"/dev/fd/{file.fileno()}",
            stat_result=os.fstat(file.fileno()),
            media_type=media_type,
            filename=filename,
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_time_out(message: Message) -> None:
            async with asyncio.timeout(STALLED_SECONDS):
                await send(message)

        with self._file:
            try:
                await super().__call__(scope, receive, send_or_time_out)
            except TimeoutError:
                logger.info("%s: client disconnected", request_id_of(Request(scope)))
