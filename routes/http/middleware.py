"""Pure ASGI middleware: a request id and processing time on every response, and an access log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_LOGGED_PATH = 200
SWITCHING = 101  # protocols: a WebSocket is open
RESPONSE_STARTS = ("http.response.start", "websocket.http.response.start", "websocket.accept")
VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # safe to log and to return in a header


class RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = quote(scope["path"])[:MAX_LOGGED_PATH]  # the decoded path could contain line breaks
        state = scope.setdefault("state", {})
        state["request_id"], state["started"] = _request_id(scope), time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                add_tracing_headers(headers, scope)
                ms = headers["openai-processing-ms"]
                level = logging.DEBUG if path.startswith("/health") else logging.INFO
                method, status = scope.get("method", "WEBSOCKET"), message.get("status", SWITCHING)
                logger.log(level, "%s: %s %s %d in %s ms", state["request_id"], method, path, status, ms)
            await send(message)

        await self._app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    """The caller's own id if it is valid, so that client and server logs can be correlated."""
    own = Headers(scope=scope).get("x-request-id", "")
    return own if VALID_ID.fullmatch(own) else f"req_{uuid.uuid4().hex}"


def add_tracing_headers(headers: MutableHeaders, scope: Scope) -> None:
    """Sets the request id and the time until the response started, in milliseconds."""
    headers["x-request-id"] = scope["state"]["request_id"]
    headers["openai-processing-ms"] = str(round((time.perf_counter() - scope["state"]["started"]) * 1000))


def request_id_of(request: HTTPConnection) -> str:
    return str(request.state.request_id)
