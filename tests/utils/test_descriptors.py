"""Errors of the system that the caller can wait out."""

from __future__ import annotations

import errno

import httpx
import pytest
from fastapi import FastAPI

from routes.http.errors import add_error_handlers
from routes.http.middleware import RequestIdMiddleware


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.EMFILE, 503, "resource_limit"),
        (errno.ENFILE, 503, "resource_limit"),
        (errno.EACCES, 500, None),
        (None, 500, None),
    ],
)
async def test_without_descriptors_the_caller_is_told_to_come_again(
    number: int | None, status: int, code: str | None
) -> None:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise OSError(number, "it failed") if number else OSError("it failed")

    transport = httpx.ASGITransport(RequestIdMiddleware(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
