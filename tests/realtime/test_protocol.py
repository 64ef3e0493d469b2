"""WebSockets among the connections of the server: they count, stay, leave the books, and are broken off when
the client neither answers pings nor takes what is sent."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from routes.http.connections import ConnectionLimits
from routes.realtime.client_events import MAX_AUDIO_BYTES
from routes.realtime.protocol import RealtimeProtocol
from tests.realtime.clients import LiveServer, live_server
from tests.servers import wait_until

MAX_CONNECTIONS = 10
PAUSE = 0.6
HANDSHAKE = (
    b"GET /flood HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("work")
    with live_server(folder, max_connections=MAX_CONNECTIONS) as running:
        running.live.limit = 2 * MAX_CONNECTIONS
        yield running


def status(server: LiveServer) -> int:
    return httpx.get(f"{server.running.url}/health").status_code


def test_websockets_count_as_connections_and_leave_the_books(small: LiveServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(small.connected()) for _ in range(MAX_CONNECTIONS)]
        assert status(small) == 503
        with pytest.raises(InvalidStatus) as refused, small.connected():
            pass
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body)["error"]["code"] == "resource_limit"
        assert all(client.transcript() for client in clients)  # none was closed to make room
        clients[0].socket.close()
        wait_until(lambda: len(small.live.open_ones) < MAX_CONNECTIONS)
        wait_until(lambda: status(small) == 200)
    wait_until(lambda: not small.live.open_ones)
    assert status(small) == 200


def test_many_that_come_and_go_leave_nothing(small: LiveServer) -> None:
    for number in range(60):
        with small.connected() as client:
            client.append()
            if number % 3 == 1:
                client.socket.socket.close()
            elif number % 3 == 2:
                client.socket.send("rubbish")
    wait_until(lambda: not small.live.open_ones)
    wait_until(lambda: status(small) == 200)
    assert small.running.state.drain.is_empty


def test_long_events_of_one_client_do_not_hold_up_others(small: LiveServer) -> None:
    event = json.dumps(
        {
            "type": "input_audio_buffer.append",
            "audio": base64.b64encode(bytes(MAX_AUDIO_BYTES)).decode(),
        }
    )
    with small.connected() as client, ThreadPoolExecutor(1) as pool, httpx.Client() as other:
        sending = [pool.submit(client.socket.send, event) for _ in range(3)]
        waits = []
        while len(small.session.audio) < 3 * MAX_AUDIO_BYTES:
            began = time.perf_counter()
            other.get(f"{small.running.url}/health").raise_for_status()
            waits.append(time.perf_counter() - began)
        assert all(sent.done() for sent in sending)
        assert sorted(waits)[len(waits) // 2] < 0.2
        assert client.transcript()


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
