"""Answers and streams of any length."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from exceptions import ModelFailedError
from routes.http.body_stream import BodyStream, StoredBody, answer_body
from routes.http.event_stream import ending_in_error


@pytest.mark.parametrize("blocks", [[], [b"one"], [b"one", b"two"], [b"x" * 70_000] * 9])
async def test_an_answer_has_its_length_where_it_is_one_block(blocks: list[bytes]) -> None:
    async def answer(_: Request) -> Response:
        return await answer_body(iter(blocks), "text/plain", {"x-cache": "hit"})

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", answer)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        got = await client.get("/")
    assert got.content == b"".join(blocks)
    assert got.headers["x-cache"] == "hit"
    assert got.headers["content-type"].startswith("text/plain")
    assert ("content-length" in got.headers) == (len(blocks) < 2)


async def test_no_more_is_made_than_is_taken() -> None:
    made = []

    def blocks() -> Iterator[bytes]:
        for number in range(10):
            made.append(number)
            yield b"block"

    await answer_body(blocks(), "text/plain")
    assert made == [0, 1]


class ImpatientStream(BodyStream):
    stalled_seconds = 0.05


class ImpatientFile(StoredBody):
    stalled_seconds = 0.05


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_client_that_reads_nothing_is_given_up(tmp_path: Path, is_stored: bool) -> None:
    """Whatever is sent: what is made for it, and a file that is gigabytes long."""
    (tmp_path / "long").write_bytes(bytes(200_000))
    is_closed = False

    async def parts() -> AsyncGenerator[bytes]:
        nonlocal is_closed
        try:
            while True:
                yield bytes(64_000)
        finally:
            is_closed = True

    sent = []

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) == 2:
            await asyncio.Event().wait()  # as a server does until its client reads

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    answer = ImpatientFile(tmp_path / "long") if is_stored else ImpatientStream(parts(), AsyncExitStack())
    scope = {"type": "http", "method": "GET", "headers": [], "state": {"request_id": "req_1"}}
    async with asyncio.timeout(10):
        await answer(scope, receive, send)
    assert len(sent) == 2
    assert is_closed or is_stored


@pytest.mark.parametrize("sent", [[], [b"data: {}\n\n"], [b"data: {}\n\n", b'data: {"text": "the first']])
async def test_an_error_is_an_event_of_its_own_even_within_a_long_one(sent: list[bytes]) -> None:
    async def blocks() -> AsyncGenerator[bytes]:
        for block in sent:
            yield block
        raise ModelFailedError("The model crashed.")

    stream = ending_in_error(blocks(), AsyncExitStack(), "req_1")
    events = b"".join([block async for block in stream]).split(b"\n\n")
    assert events[-1] == b""
    error = json.loads(events[-2].removeprefix(b"data: "))["error"]
    assert error["message"] == "The model crashed."
