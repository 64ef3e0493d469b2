"""Live sessions that do what a test says, in place of models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from exceptions import CommitEmptyError, OverloadedError
from options import LiveOptions
from utils.live.events import Cleared, Committed, LiveEvent, TurnCompleted

SHORTEST = 100  # ms


class ScriptedSession:
    """Hears nothing: a commit makes an item whose transcript says how many bytes it holds, told at once if it
    `answers`, else when it finishes, which it does once it `may_end`. Remembers its options."""

    def __init__(self, number: int, options: LiveOptions) -> None:
        self.id = f"sess_{number}"
        self.options = [options]
        self.audio = bytearray()
        self.answers = True
        self.has_ended = False
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._queue: asyncio.Queue[LiveEvent | Exception | None] = asyncio.Queue()
        self._uncommitted = 0
        self._items: list[str] = []
        self._unanswered: list[TurnCompleted] = []
        self.loop = asyncio.get_running_loop()

    @property
    def stored_as(self) -> str | None:
        return f"trans_{self.id}" if self.options[-1].store else None

    def update(self, options: LiveOptions) -> None:
        self.options.append(options)

    async def append(self, audio: bytes) -> None:
        self.audio += audio
        self._uncommitted += len(audio)

    async def commit(self) -> None:
        milliseconds = self._uncommitted * 1000 // (2 * self.options[-1].audio.rate)
        if milliseconds < SHORTEST:
            raise CommitEmptyError(f"There are {milliseconds} ms of audio to commit; it takes {SHORTEST}.")
        item_id, previous = f"item_{len(self._items)}", self._items[-1] if self._items else None
        self._items.append(item_id)
        self._queue.put_nowait(Committed(item_id, previous))
        self._unanswered.append(TurnCompleted(item_id, f"{self._uncommitted} bytes"))
        if self.answers:
            self._answer()
        self._uncommitted = 0

    async def clear(self) -> None:
        self._uncommitted = 0
        self._queue.put_nowait(Cleared())

    async def events(self) -> AsyncGenerator[LiveEvent]:
        while (event := await self._queue.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def finish(self) -> None:
        await self.may_end.wait()
        self._answer()
        self._queue.put_nowait(None)

    def _answer(self) -> None:
        for turn in self._unanswered:
            self._queue.put_nowait(turn)
        self._unanswered.clear()

    def say(self, *events: LiveEvent | Exception) -> None:
        """From the thread of the test."""
        for event in events:
            self.loop.call_soon_threadsafe(self._queue.put_nowait, event)


class ScriptedSessions:
    """At most `limit` at once; knows all that there were."""

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit
        self.sessions: list[ScriptedSession] = []
        self.owners: list[str] = []

    @property
    def last(self) -> ScriptedSession:
        return self.sessions[-1]

    @property
    def open_ones(self) -> list[ScriptedSession]:
        return [session for session in self.sessions if not session.has_ended]

    def prepare(self, session: ScriptedSession) -> None:
        """For subclasses, whose sessions do something else."""

    @asynccontextmanager
    async def open(self, owner: str, request_id: str, options: LiveOptions) -> AsyncIterator[ScriptedSession]:
        if len(self.open_ones) >= self.limit:
            raise OverloadedError(f"{self.limit} live sessions are open, the limit; try again soon.")
        session = ScriptedSession(len(self.sessions), options)
        self.prepare(session)
        self.sessions.append(session)
        self.owners.append(owner)
        try:
            yield session
        finally:
            session.has_ended = True
