"""Answers of any length."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from routes.http.body_stream import answer_body


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
