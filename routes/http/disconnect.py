"""Cancels work when its client disconnects; a plain endpoint would run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from utils.waiting.concurrency import stopped

R = TypeVar("R")


async def until_disconnect(request: Request, work: Coroutine[None, None, R]) -> R:
    """The result of `work`. The body of `request` must have been read to its end.

    Raises ClientDisconnect after the client has disconnected and the work has stopped.
    """
    task = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait([task, disconnect], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        await stopped(task, disconnect)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
