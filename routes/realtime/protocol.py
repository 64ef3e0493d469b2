"""uvicorn's WebSocket protocol, and what it lacks."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task, TimerHandle
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from routes.realtime.client_events import MAX_FRAME_BYTES

PING_SECONDS = 20
CLOSING_SECONDS = 15.0  # for the client to take the rest and to answer the close
OPTIONS: dict[str, Any] = {
    "ws_max_size": MAX_FRAME_BYTES,  # of a message, in however many fragments it comes
    "ws_per_message_deflate": False,  # base64 of sound hardly shrinks, and clients switch it off
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
}
"""Of uvicorn, beside the protocol itself."""


class RealtimeProtocol(WebSocketsSansIOProtocol):
    """A connection that has ended is broken off when the client does not take what is left: uvicorn would
    keep it, and its descriptor, for as long as the client likes. Nothing that is sent is ever logged."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn.debug = False  # it would log keys, and what people say
        self._break: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._break:
            self._break.cancel()

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
            self._break = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)
