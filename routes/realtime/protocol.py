"""uvicorn's WebSocket protocol, and what it lacks."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task, TimerHandle
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

from routes.realtime.client_events import MAX_FRAME_BYTES

PING_SECONDS = 20
MAX_FRAGMENTS = 2048  # of a message; browsers cut at 128 KB
CLOSING_SECONDS = 15.0  # for the client to take the rest and to answer the close
OPTIONS: dict[str, Any] = {
    "ws_max_size": MAX_FRAME_BYTES,  # of a message, in however many fragments it comes
    "ws_per_message_deflate": False,  # base64 of sound hardly shrinks, and clients switch it off
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
}
"""Of uvicorn, beside the protocol itself."""


class RealtimeProtocol(WebSocketsSansIOProtocol):
    """Of a message that is too long the rest is read, within limits: data that arrives after the close would
    reset the connection, and the client lose the reason. A connection that has ended is broken off when the
    client does not take what is left; uvicorn would keep it, and its descriptor, for as long as the client
    likes. Nothing that is sent is ever logged."""

    closing_seconds = CLOSING_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn.debug = False  # it would log keys, and what people say
        self._is_refused = False
        self._break: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._break:
            self._break.cancel()

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)

    def handle_cont(self, event: Frame) -> None:
        """Their number is limited apart from their length: empty ones take memory too."""
        if self._is_refused:
            return
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"over {MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        close = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code if close else 1006})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self._is_refused = self.close_sent = True
        self.close_timer = self.loop.call_later(self.closing_seconds, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """While the session takes no more audio, the answer to a ping waits behind it, unread."""
        if self.read_paused:
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self._break_off_later()

    def on_task_complete(self, task: Task[None]) -> None:
        super().on_task_complete(task)
        self._break_off_later()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # else uvicorn reports every refusal as an error of ours

    def _break_off_later(self) -> None:
        if self._break is None and not self.disconnected:
            self._break = self.loop.call_later(self.closing_seconds, self.transport.abort)
