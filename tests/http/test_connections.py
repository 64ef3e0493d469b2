"""Connections that say nothing, are too many, or send what is not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from routes.http.connections import FRESH_SECONDS, ConnectionLimits

HEAD = b"HTTP/1.1\r\nhost: localhost\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body only of what is posted to /read."""
    status = 403
    if scope["path"] == "/read":
        await Request(scope, receive).body()
        status = 200
    await PlainTextResponse("answer", status)(scope, receive, send)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """What arrives until the connection ends."""
        async with asyncio.timeout(10):
            return await self.reader.read()


class EchoProtocol(asyncio.Protocol):
    """Stands for a WebSocket, once the connection is upgraded."""

    def __init__(self, **_: object) -> None:
        pass

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class Listener:
    def __init__(self, port: int, clients: list[Client]) -> None:
        self._port = port
        self._clients = clients

    async def connect(self, data: bytes = b"") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self._port))
        self._clients.append(client)
        await client.send(data)
        return client


@asynccontextmanager
async def listening(limit: int = 10, header_seconds: float = 60) -> AsyncIterator[Listener]:
    limits, state, clients = ConnectionLimits(limit, header_seconds), ServerState(), list[Client]()
    config = uvicorn.Config(app, ws=EchoProtocol, log_config=None, lifespan="off")
    server = await asyncio.get_running_loop().create_server(
        lambda: limits.protocol(config, state, {}), "127.0.0.1", 0
    )
    try:
        yield Listener(server.sockets[0].getsockname()[1], clients)
    finally:
        server.close()
        for client in clients:
            client.writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: local"])
async def test_a_connection_without_a_whole_head_is_closed(sent: bytes) -> None:
    async with listening(header_seconds=0.2) as listener:
        assert await (await listener.connect(sent)).rest() == b""


async def test_a_client_that_keeps_sending_its_head_is_closed_too() -> None:
    async with listening(header_seconds=0.2) as listener:
        client = await listener.connect(b"GET / HTTP/1.1\r\n")

        async def trickle() -> None:
            while True:
                await client.send(b"x: y\r\n")
                await asyncio.sleep(0.02)

        task = asyncio.create_task(trickle())
        async with asyncio.timeout(10):
            await asyncio.wait([task])
        assert isinstance(task.exception(), ConnectionError)


async def test_a_half_head_after_a_response_is_closed() -> None:
    async with listening(header_seconds=0.2) as listener:
        client = await listener.connect(b"GET /read " + HEAD + b"\r\n")
        await client.reader.readuntil(b"answer")
        await client.send(b"GET /read HTTP/1.1\r\nhost:")
        assert await client.rest() == b""


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with listening(header_seconds=0.1) as listener:
        client = await listener.connect(
            b"POST /read " + HEAD + b"content-length: 2\r\nconnection: close\r\n\r\n1"
        )
        await asyncio.sleep(0.3)
        await client.send(b"2")
        assert (await client.rest()).startswith(b"HTTP/1.1 200")


async def test_an_upgraded_connection_stays() -> None:
    async with listening(header_seconds=0.1) as listener:
        client = await listener.connect(
            b"GET /read " + HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
        )
        await client.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        await client.send(b"still there")
        await client.reader.readuntil(b"still there")


async def test_at_the_limit_the_longest_idle_connection_makes_room() -> None:
    async with listening(limit=2) as listener:
        first, second = await listener.connect(b"GET /"), await listener.connect(b"GET /")
        await asyncio.sleep(FRESH_SECONDS)
        third = await listener.connect(b"GET /read " + HEAD + b"connection: close\r\n\r\n")
        assert (await third.rest()).startswith(b"HTTP/1.1 200")
        assert await first.rest() == b""
        await second.send(b"read " + HEAD + b"connection: close\r\n\r\n")
        assert (await second.rest()).startswith(b"HTTP/1.1 200")


async def test_at_the_limit_of_busy_connections_a_new_one_is_answered_503() -> None:
    async with listening(limit=2) as listener:
        busy = [
            await listener.connect(b"POST /read " + HEAD + b"content-length: 2\r\n\r\n1") for _ in range(2)
        ]
        refused = await (await listener.connect(b"GET /read " + HEAD + b"\r\n")).rest()
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: " in refused
        assert b'"code":"resource_limit"' in refused
        for client in busy:
            await client.send(b"2")
            assert (await client.reader.readuntil(b"answer")).startswith(b"HTTP/1.1 200")


async def test_a_burst_of_new_connections_is_answered() -> None:
    async with listening(limit=8) as listener:
        clients = [await listener.connect() for _ in range(10)]
        for client in clients:
            await client.send(b"GET /read " + HEAD + b"connection: close\r\n\r\n")
        statuses = [(await client.rest()).split()[1] for client in clients]
        assert statuses == [b"200"] * 8 + [b"503"] * 2


async def test_many_idle_connections_leave_others_served() -> None:
    async with listening(limit=20) as listener:
        for _ in range(100):
            await listener.connect(b"GET /")
        client = await listener.connect(b"GET /read " + HEAD + b"connection: close\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_refusal_reaches_a_client_that_sends_first_and_reads_later(version: bytes) -> None:
    """The connection is not reset by what is still on its way."""
    async with listening() as listener:
        client = await listener.connect(
            b"POST / HTTP/" + version + b"\r\nhost: localhost\r\ncontent-length: 20000000\r\n\r\n"
        )
        for _ in range(20):
            await client.send(bytes(1_000_000))
        refusal = await client.rest()
        assert refusal.startswith(b"HTTP/1.1 403")
        assert refusal.endswith(b"answer")
        assert b"connection: close" in refusal.lower()


async def test_a_response_to_a_body_that_was_read_keeps_the_connection() -> None:
    async with listening() as listener:
        client = await listener.connect()
        for path in (b"/read", b"/read"):
            await client.send(b"POST " + path + b" " + HEAD + b"content-length: 2\r\n\r\n12")
            assert b"close" not in await client.reader.readuntil(b"answer")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n",
    ],
)
async def test_ambiguous_framing_is_refused_and_what_follows_is_not_read(head: bytes) -> None:
    async with listening() as listener:
        client = await listener.connect(b"POST /read " + head + b"\r\n0\r\n\r\nGET /read " + HEAD + b"\r\n")
        answers = await client.rest()
        assert answers.startswith(b"HTTP/1.1 400")
        assert b"HTTP/1.1 200" not in answers
        assert b"connection: close" in answers.lower()


async def test_a_chunked_body_is_read() -> None:
    async with listening() as listener:
        client = await listener.connect(
            b"POST /read " + HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n"
        )
        assert (await client.reader.readuntil(b"answer")).startswith(b"HTTP/1.1 200")


async def test_running_out_of_descriptors_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop, limits = asyncio.get_running_loop(), ConnectionLimits(10)
    for _ in range(100):
        limits.handle_loop_error(loop, {"message": "socket.accept() out of system resource"})
    limits.handle_loop_error(loop, {"message": "another error"})
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
