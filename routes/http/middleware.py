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
VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # goes into the log and back to the caller


class RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = quote(scope["path"])[:MAX_LOGGED_PATH]  # decoded, it could hold line breaks
        state = scope.setdefault("state", {})
        state["request_id"], state["started"] = _request_id(scope), time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                mark(headers, scope)
                took = headers["openai-processing-ms"]
                level = logging.DEBUG if path.startswith("/health") else logging.INFO
                line = "%s: %s %s %d in %s ms"
                logger.log(level, line, state["request_id"], scope["method"], path, message["status"], took)
            await send(message)

        await self._app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    """The caller's own where it is sane, so that its log and ours can be read side by side."""
    own = Headers(scope=scope).get("x-request-id", "")
    return own if VALID_ID.fullmatch(own) else f"req_{uuid.uuid4().hex}"


def mark(headers: MutableHeaders, scope: Scope) -> None:
    """What every answer carries: the request's id, and how long it took to begin the answer."""
    headers["x-request-id"] = scope["state"]["request_id"]
    headers["openai-processing-ms"] = str(round((time.perf_counter() - scope["state"]["started"]) * 1000))


def request_id_of(request: Request) -> str:
    return str(request.state.request_id)
