"""One open WebSocket: a task reads, one tells what happens in the session, one writes, until one of them, or
a limit, ends it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from exceptions import InvalidRequestError, ShuttingDownError, TranscriptionServerError, UnexpectedError
from routes.realtime.client_events import ClientEvent, InvalidEventError, read_event
from routes.realtime.commands import Commands
from routes.realtime.dialect import Dialect, SessionView
from routes.realtime.outbox import Outbox
from routes.realtime.server_events import Wire, error_event, session_event, wire_events
from routes.state import RealtimeLimits
from services.live.interface import LiveSession
from services.requests.live_session import LiveRequests
from utils.live.events import LiveEvent, TurnCompleted
from utils.waiting.concurrency import stopped
from utils.waiting.drain import Drain

logger = logging.getLogger(__name__)

MAX_INVALID = 20  # frames in a row
FINISH_SECONDS = 10.0  # for what was committed, when a limit ends the session
CLOSE_SECONDS = 2.0  # for the client to read the rest


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends. Without a code the client has left."""

    code: int | None = None
    reason: str = ""
    error: TranscriptionServerError | None = None
    finishes: bool = False
    """Whether what was committed is answered before."""


OVERFLOWED = Ending(1013, "The client reads too slowly.")
TOO_MANY_INVALID = Ending(1008, f"{MAX_INVALID} frames in a row were no events.")
SHUTTING_DOWN = Ending(1012, "This server is shutting down; connect again.", finishes=True)
FAILED = Ending(1011, "Internal server error; the server log has the details.", UnexpectedError())


class Connection:
    def __init__(
        self,
        websocket: WebSocket,
        session: LiveSession,
        requests: LiveRequests,
        owner: str,
        view: SessionView,
        dialect: Dialect,
        limits: RealtimeLimits,
        drain: Drain,
    ) -> None:
        self._websocket = websocket
        self._session = session
        self._limits = limits
        self._drain = drain
        self._outbox = Outbox()
        self._commands = Commands(session, requests, owner, view, dialect, self._send)

    async def run(self) -> Ending:
        """Until the connection has ended."""
        commands = self._commands
        self._send(session_event(commands.dialect.created, commands.dialect, commands.view))
        work = (self._read(), self._tell(), self._write())
        reading, telling, writing = (asyncio.ensure_future(self._guarded(part)) for part in work)
        limits = [asyncio.ensure_future(limit) for limit in self._watch_limits()]
        try:
            ending = await _first([reading, telling, writing, *limits])
            await stopped(reading)
            if ending.finishes:
                ending = await self._finished(ending, telling, writing)
            await stopped(telling)
            return await self._closed(ending, writing)
        finally:
            await stopped(reading, telling, writing, *limits)

    async def _guarded(self, work: Coroutine[Any, Any, Ending]) -> Ending:
        try:
            return await work
        except Exception:
            logger.exception("%s: the session failed", self._session.id)
            return FAILED

    def _send(self, wire: Wire) -> None:
        self._outbox.put(_text(wire))

    async def _read(self) -> Ending:
        invalid = 0
        while invalid < MAX_INVALID:
            await asyncio.sleep(0)  # of a burst of events none waits for the loop
            try:
                event = await self._next()
            except TimeoutError:
                return Ending(1001, f"Nothing was sent for {self._limits.idle_seconds:g} s.", finishes=True)
            except InvalidEventError as error:
                invalid += 1
                self._send(error_event(error))
            else:
                if event is None:
                    return Ending()
                invalid = 0
                await self._carry_out(event)
        return TOO_MANY_INVALID

    async def _next(self) -> ClientEvent | None:
        """None once the client has left. Raises TimeoutError, InvalidEventError."""
        async with asyncio.timeout(self._limits.idle_seconds):
            message = await self._websocket.receive()
        return None if message["type"] == "websocket.disconnect" else await read_event(message)

    async def _carry_out(self, event: ClientEvent) -> None:
        try:
            await self._commands.carry_out(event)
        except TranscriptionServerError as error:
            self._send(error_event(error, event.event_id))

    async def _tell(self) -> Ending:
        """Returns when the session has ended, which it does only if asked to finish."""
        async with aclosing(self._session.events()) as events:
            async for event in events:
                self._commands.items.note(event)
                render = partial(self._render, event)
                # A transcript may be long.
                texts = await asyncio.to_thread(render) if isinstance(event, TurnCompleted) else render()
                for text in texts:
                    self._outbox.put(text)
                await asyncio.sleep(0)  # so that the outbox empties amid a burst, if the client reads
        return FAILED

    def _render(self, event: LiveEvent) -> list[str]:
        commands = self._commands
        return [_text(wire) for wire in wire_events(event, commands.dialect, commands.view.request)]

    async def _write(self) -> Ending:
        with suppress(WebSocketDisconnect):
            await self._outbox.send_all(self._websocket.send_text)
        return Ending()

    def _watch_limits(self) -> list[Coroutine[Any, Any, Ending]]:
        limits = [
            _once(self._outbox.overflowed.wait(), OVERFLOWED),
            _once(self._drain.began.wait(), SHUTTING_DOWN),
        ]
        if minutes := self._limits.max_minutes:
            words = f"Your session hit the maximum duration of {minutes:g} minutes."
            error = InvalidRequestError(words, code="session_expired")
            limits.append(_once(asyncio.sleep(minutes * 60), Ending(1001, words, error, finishes=True)))
        return limits

    async def _finished(
        self, ending: Ending, telling: asyncio.Future[Ending], writing: asyncio.Future[Ending]
    ) -> Ending:
        """Waits for the answers to what was committed: at a shutdown until the server cannot wait, else a
        while."""
        finishing = asyncio.ensure_future(self._session.finish())
        over = asyncio.ensure_future(self._drain.over.wait())
        seconds = None if ending is SHUTTING_DOWN else FINISH_SECONDS
        try:
            waits: list[asyncio.Future[Any]] = [telling, writing, over]
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stopped(over, finishing)
        if ending is SHUTTING_DOWN and (not telling.done() or self._commands.items.has_unanswered):
            return replace(ending, error=ShuttingDownError())
        return ending

    async def _closed(self, ending: Ending, writing: asyncio.Future[Ending]) -> Ending:
        """Sends the rest and closes, unless the client has left or takes nothing."""
        if self._outbox.overflowed.is_set():
            ending = OVERFLOWED
        elif ending.code is not None:
            if ending.error:
                self._send(error_event(ending.error))
            sent = asyncio.ensure_future(self._outbox.sent())
            waits: list[asyncio.Future[Any]] = [sent, writing]
            await asyncio.wait(waits, timeout=CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await stopped(sent)
        await stopped(writing)
        if ending.code is not None:
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._websocket.close(ending.code, ending.reason)
        return ending


async def _first(tasks: list[asyncio.Future[Ending]]) -> Ending:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(task.result() for task in tasks if task.done())


async def _once(condition: Awaitable[Any], ending: Ending) -> Ending:
    await condition
    return ending


def _text(wire: Wire) -> str:
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
