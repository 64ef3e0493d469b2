"""Pure ASGI middleware: a request id and a time on every response, a line in the log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_LOGGED_PATH = 200
SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # goes into the log and back to the caller


class RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        path = quote(scope["path"])[:MAX_LOGGED_PATH]  # decoded, it could hold line breaks
        request_id = scope.setdefault("state", {})["request_id"] = _request_id(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                milliseconds = round((time.perf_counter() - started) * 1000)
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-processing-ms"] = str(milliseconds)
                line = "%s: %s %s %d in %d ms"
                level = logging.DEBUG if path.startswith("/health") else logging.INFO
                logger.log(level, line, request_id, scope["method"], path, message["status"], milliseconds)
            await send(message)

        await self._app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    """The caller's own where it is sane, so that its log and ours can be read side by side."""
    own = Headers(scope=scope).get("x-request-id", "")
    return own if SANE_ID.fullmatch(own) else f"req_{uuid.uuid4().hex}"


def request_id_of(request: Request) -> str:
    return str(request.state.request_id)
