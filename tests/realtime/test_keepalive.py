"""Pings, and clients that neither answer nor take what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from routes.http.connections import ConnectionLimits
from routes.realtime.protocol import RealtimeProtocol
from tests.servers import wait_until

PAUSE = 0.6
HANDSHAKE = (
    b"GET /flood HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class QuickProtocol(RealtimeProtocol):
    closing_seconds = 0.2


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads nothing for a while, then answers each message; at /flood sends more than can be on its way."""
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    if scope["path"] == "/flood":
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                while True:
                    await socket.send_bytes(bytes(1_000_000))
        return
    await asyncio.sleep(PAUSE)
    async for text in socket.iter_text():
        await socket.send_text(text)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, ServerState]]:
    """The port, and the books."""
    limits, state = ConnectionLimits(10), ServerState()
    config = uvicorn.Config(
        app, ws=QuickProtocol, log_config=None, lifespan="off", ws_ping_interval=0.1, ws_ping_timeout=0.1
    )
    server = await asyncio.get_running_loop().create_server(
        lambda: limits.protocol(config, state, {}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1], state


async def test_an_answer_that_waits_behind_unread_audio_is_waited_for() -> None:
    async with listening() as (port, _), connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
        for number in range(100):
            await client.send(f"{number}" + "x" * 100_000)
        for number in range(100):
            assert (await client.recv())[:3] == f"{number}xxx"[:3]


async def test_a_client_that_does_not_answer_pings_is_closed() -> None:
    async with listening() as (port, state):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE.replace(b"/flood", b"/"))
        async with asyncio.timeout(10):
            received = await reader.read()
        assert received.endswith(b"keepalive ping timeout")
        assert not state.connections
        writer.close()


async def test_a_client_that_takes_nothing_is_broken_off() -> None:
    async with listening() as (port, state):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(HANDSHAKE)
        await reader.readexactly(12)
        await asyncio.to_thread(wait_until, lambda: not state.connections)
        writer.close()


async def test_a_client_that_closes_leaves_the_books() -> None:
    async with listening() as (port, state):
        async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
            await client.send("text")
            assert await client.recv() == "text"
            assert len(state.connections) == 1
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await asyncio.to_thread(wait_until, lambda: not state.connections)
