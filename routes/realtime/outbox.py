"""What waits to be sent to one client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

MAX_EVENTS = 1000
MAX_BYTES = 4 * 1024 * 1024


class Outbox:
    """In order, and bounded: once `overflowed`, nothing more is taken. As long as the client has kept up, an
    event may be longer than the room that is left: a transcript may be."""

    def __init__(self) -> None:
        self.overflowed = asyncio.Event()
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._has_some = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def put(self, text: str) -> None:
        if len(self._waiting) >= MAX_EVENTS or self._bytes >= MAX_BYTES:
            self.overflowed.set()
            return
        self._waiting.append(text)
        self._bytes += len(text.encode())
        self._has_some.set()
        self._is_empty.clear()

    async def send_all(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Sends whatever is put, for ever. Raises what `send` raises."""
        while True:
            await self._has_some.wait()
            while self._waiting:
                text = self._waiting[0]
                await send(text)
                self._waiting.popleft()
                self._bytes -= len(text.encode())
            self._has_some.clear()
            self._is_empty.set()

    async def sent(self) -> None:
        """Waits until all has been sent."""
        await self._is_empty.wait()
