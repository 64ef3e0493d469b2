"""Files as response bodies."""

from __future__ import annotations

import os
from typing import BinaryIO

from starlette.types import Receive, Scope, Send

from routes.http.body_stream import StoredBody


class OpenFileResponse(StoredBody):
    """Sends an open file, ranges of it included, and closes it. It may be deleted meanwhile: the name under
    /dev/fd stands for the open file."""

    def __init__(self, file: BinaryIO, media_type: str, filename: str) -> None:
        super().__init__(
            f"/dev/fd/{file.fileno()}",
            stat_result=os.fstat(file.fileno()),
            media_type=media_type,
            filename=filename,
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)
