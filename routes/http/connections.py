"""Limits of connections, which uvicorn lacks: how many there are, and for how long one may say nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exceptions import InvalidRequestError, ResourceLimitError, TranscriptionServerError
from routes.http.errors import envelope

logger = logging.getLogger(__name__)

HEADER_SECONDS = 15.0  # for the head of a request, from the start of the connection or the last response
UNSENT_SECONDS = 60.0  # for the client to take the rest of a response
DRAIN_SECONDS = 60.0  # for the rest of an upload that has been answered early
DRAIN_IDLE_SECONDS = 5.0  # without data: as long as an idle connection is kept
DRAIN_BYTES = 256 * 1024 * 1024
LAST_SECONDS = 0.5  # of draining, when the server shuts down
FRESH_SECONDS = 1.0  # before that, the head of the first request may be on its way
WARNING_SECONDS = 60.0  # between two warnings about the same limit
CLOSE = (b"connection", b"close")


class ConnectionLimits:
    """The connections of one server: at most `limit` at once. When there is one more, the one that has been
    idle for longest is closed; if none is idle, the new one is answered 503, and for that there may be a
    quarter more."""

    def __init__(self, limit: int, header_seconds: float = HEADER_SECONDS) -> None:
        self.limit = limit
        self.header_seconds = header_seconds
        self.idle: dict[Connection, float] = {}  # no request in progress, and since when; the oldest first
        self._warned = -WARNING_SECONDS

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        """What uvicorn calls for each connection."""
        return Connection(self, config, server_state, app_state, _loop)

    def make_room(self, connections: int) -> bool:
        """Close an idle connection if there are too many; False if the latest is one too many."""
        if connections <= self.limit:
            return True
        self._warn(f"{self.limit} connections are open, the limit")
        is_crowded = connections > self.limit + self.limit // 4
        return self._close_oldest(0 if is_crowded else FRESH_SECONDS)

    def _close_oldest(self, idle_seconds: float) -> bool:
        """Close the connection that has been idle for longest, and for that long; False if there is none."""
        connection, since = next(iter(self.idle.items()), (None, 0.0))
        if connection is None or connection.loop.time() - since < idle_seconds:
            return False
        connection.abort()
        return True

    def _warn(self, what: str) -> None:
        now = monotonic()
        if now - self._warned >= WARNING_SECONDS:  # whoever opens too many must not fill the log too
            self._warned = now
            logger.warning("%s; closing idle ones, or answering 503", what)

    def handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Exception handler of the event loop. asyncio tries to accept again a second later when descriptors
        run out, and until Python 3.13 reports it for each of `backlog` attempts, with a traceback."""
        if "accept() out of system resource" in context.get("message", ""):
            self._warn("no file descriptor is left for a new connection")
            self._close_oldest(0)
        else:
            loop.default_exception_handler(context)


class Connection(H11Protocol):
    """Closed when the head of a request does not arrive in time. A response to a request whose body has not
    been read closes the connection, and the rest of the body is read first: data that arrives after the
    close would reset the connection, and the client or a proxy in between lose the response."""

    def __init__(
        self,
        limits: ConnectionLimits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._limits = limits
        self._served = cast(ASGIApp, self.app)
        self.app = cast(Any, self._serve)
        self._is_surplus = False
        self._timer: asyncio.TimerHandle | None = None
        self._draining: asyncio.Timeout | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._is_surplus = not self._limits.make_room(len(self.connections))
        self._note_state()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_state()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_state()

    def _should_upgrade(self) -> bool:
        """One too many is refused as any other request."""
        return not self._is_surplus and super()._should_upgrade()

    def shutdown(self) -> None:
        super().shutdown()
        if self._draining:
            self._draining.reschedule(self.loop.time() + LAST_SECONDS)

    def abort(self) -> None:
        self._stop_waiting()
        self.transport.abort()

    def _note_state(self) -> None:
        if self._draining:
            return
        is_upgraded = self.transport.get_protocol() is not self  # to a WebSocket, which has limits of its own
        if is_upgraded or (self.cycle and not self.cycle.response_complete):
            self._stop_waiting()
        elif self._timer is None:
            self._limits.idle[self] = self.loop.time()
            self._timer = self.loop.call_later(self._limits.header_seconds, self._time_out)

    def _stop_waiting(self) -> None:
        self._limits.idle.pop(self, None)
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.close()  # once the client has taken the rest
            self._timer = self.loop.call_later(UNSENT_SECONDS, self.abort)
        else:
            self.abort()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal := self._refusal(scope):
            response = envelope(refusal)
            response.headers["connection"] = "close"
            await response(scope, receive, send)
            return
        is_early = False

        async def send_and_drain(message: Message) -> None:
            nonlocal is_early
            if message["type"] == "http.response.start":
                is_early = self.conn.their_state is h11.SEND_BODY
                if is_early:
                    message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
            elif is_early and not message.get("more_body"):
                await send({**message, "more_body": True})
                await self._drain(receive)
                message = {"type": "http.response.body"}
            await send(message)

        await self._served(scope, receive, send_and_drain)

    def _refusal(self, scope: Scope) -> TranscriptionServerError | None:
        if self._is_surplus:
            return ResourceLimitError("This server has too many connections; try again soon.")
        names = {name for name, _ in scope["headers"]}
        # A proxy that reads the framing differently would take the rest of the body for the next request,
        # of somebody else (RFC 9112, 6.1).
        if b"transfer-encoding" in names and (b"content-length" in names or scope["http_version"] == "1.0"):
            return InvalidRequestError(
                "Send either Content-Length or, with HTTP/1.1, Transfer-Encoding, and not both."
            )
        return None

    async def _drain(self, receive: Receive) -> None:
        """Reads the rest of the body, within limits. Another connection may take this one's place."""
        self._limits.idle[self] = self.loop.time()
        left, more = DRAIN_BYTES, True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS) as self._draining:
                while more and left > 0:
                    async with asyncio.timeout(DRAIN_IDLE_SECONDS):
                        message = await receive()
                    more = message.get("more_body", False)
                    left -= len(message.get("body", b""))
        self._draining = None
