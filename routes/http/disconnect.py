"""Work that ends when its client leaves: a plain endpoint would run on for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

R = TypeVar("R")


async def until_disconnect(request: Request, work: Coroutine[None, None, R]) -> R:
    """The result of `work`, whose body the request has been read to the end before.

    Raises ClientDisconnect once the client is gone and the work has stopped.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
