"""The uvicorn server: its limits, and how it shuts down."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from config import Settings
from routes.http.connections import ConnectionLimits
from routes.realtime import protocol
from routes.state import ServerState
from utils.descriptors import raise_descriptor_limit

logger = logging.getLogger(__name__)

MAX_BACKLOG = 512  # connections that the system accepts for us
CLEANUP_SECONDS = 3  # of SHUTDOWN_SECONDS, after draining
LEAVE_SECONDS = 1  # of those, for live sessions to say that they were cut off


class Server(uvicorn.Server):
    """A uvicorn server that drains the requests in flight before it shuts down."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        descriptors = raise_descriptor_limit()
        # The other half is for files; a burst of new connections is accepted before any can be closed.
        self._connections = ConnectionLimits(min(settings.max_connections, descriptors // 2))
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=cast(Any, self._connections.protocol),
            ws=protocol.RealtimeProtocol,
            **protocol.OPTIONS,
            backlog=min(MAX_BACKLOG, descriptors // 8),
            forwarded_allow_ips=settings.forwarded_allow_ips,
            # Of its own messages "Application startup complete" and the like only confuse.
            log_level="warning" if settings.log_level == "info" else settings.log_level,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._app = app
        self._seconds = settings.shutdown_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._connections.handle_loop_error)
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        logger.info("Listening on http://%s:%d.", f"[{host}]" if ":" in host else host, port)
        state: ServerState = self._app.state.server
        state.listening.set()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._app.state.startup_error is not None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """New requests, and those not finished in time, are answered 503 with Retry-After; so are all at once
        while models are being loaded, which may take minutes.

        The order matters: admission closes before jobs stop at their checkpoints; requests drain while the
        sockets are still open, so that responses can be sent; only then does uvicorn close the sockets.
        """
        # Even if a step exceeds the limit, such as a hung kernel, the process exits: durable state is stored.
        deadline = threading.Timer(self._seconds, os._exit, [1])
        deadline.daemon = True
        deadline.start()
        logger.info("Shutting down.")
        state: ServerState = self._app.state.server
        state.admission.close()
        state.drain.began.set()
        state.results.close()
        state.durable.runner.close()
        for _ in range((self._seconds - CLEANUP_SECONDS) * 20):
            is_drained = not state.admission.in_flight and state.drain.is_empty
            if not is_drained and state.loaded.is_set() and not self.force_exit:
                await asyncio.sleep(1 / 20)
        state.admission.cancel_all()
        await state.drain.end(LEAVE_SECONDS)
        await super().shutdown(sockets)
        deadline.cancel()
