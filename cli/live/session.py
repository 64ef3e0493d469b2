"""A live session as its client sees it: sends sound, tells events, ends when all of it is answered."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection

from cli.live.turns import TRANSCRIPTION

COMMIT = {"type": "input_audio_buffer.commit"}
CLEAR = {"type": "input_audio_buffer.clear"}
COMMIT_EMPTY = "input_audio_buffer_commit_empty"
SECONDS_AHEAD = 5  # of sound that is read before it can be sent, in pieces of a tenth


class LiveError(Exception):
    """What ends a session, in a sentence."""


class Request(Enum):
    COMMIT = "end the turn"
    END = "end the session"


Sent: TypeAlias = bytes | Request | LiveError
Event: TypeAlias = dict[str, Any]


class Inbox:
    """What is to be sent, in its order."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[Sent] = asyncio.Queue()
        self._room = threading.Semaphore(10 * SECONDS_AHEAD)

    def put(self, item: Sent) -> None:
        self._items.put_nowait(item)

    async def get(self) -> Sent:
        item = await self._items.get()
        if isinstance(item, bytes):
            self._room.release()
        return item

    def fill(self, pieces: Iterator[bytes]) -> None:
        """With what a thread reads of `pieces`, until they end or fail. The thread is not waited for."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            end: Sent = Request.END
            with suppress(RuntimeError):  # the loop has ended
                try:
                    for piece in pieces:
                        self._room.acquire()
                        loop.call_soon_threadsafe(self.put, piece)
                except Exception as error:  # whatever a library raises about a device or a file
                    end = LiveError(f"The sound cannot be read: {error}")
                loop.call_soon_threadsafe(self.put, end)

        threading.Thread(target=read, daemon=True).start()


async def talk(
    socket: ClientConnection, settings: Event, inbox: Inbox, tell: Callable[[Event], None]
) -> bool:
    """Whether every turn could be transcribed. Raises LiveError for what the server refuses, and those of the
    inbox."""
    await _send(socket, {"type": "session.update", "session": settings})
    _, all_transcribed = await asyncio.gather(_send_all(socket, inbox), _receive_all(socket, tell))
    return all_transcribed


async def _send_all(socket: ClientConnection, inbox: Inbox) -> None:
    while (item := await inbox.get()) is not Request.END:
        if isinstance(item, LiveError):
            raise item
        if isinstance(item, bytes):
            audio = base64.b64encode(item).decode()
            await _send(socket, {"type": "input_audio_buffer.append", "audio": audio})
        else:
            await _send(socket, COMMIT)
    await _send(socket, COMMIT)
    await _send(socket, CLEAR)  # its answer says that the commit has had its own


async def _receive_all(socket: ClientConnection, tell: Callable[[Event], None]) -> bool:
    waiting: set[str] = set()  # for the transcript of these items
    cleared = failed = False
    async for message in socket:
        event: Event = json.loads(message)
        kind = event.get("type")
        if kind == "error" and event["error"].get("code") != COMMIT_EMPTY:
            raise LiveError(event["error"]["message"])
        tell(event)
        if kind == "input_audio_buffer.committed":
            waiting.add(event["item_id"])
        elif kind in (f"{TRANSCRIPTION}completed", f"{TRANSCRIPTION}failed"):
            waiting.discard(event["item_id"])
        failed = failed or kind == f"{TRANSCRIPTION}failed"
        cleared = cleared or kind == "input_audio_buffer.cleared"
        if cleared and not waiting:
            return not failed
    raise LiveError("The server closed the session before everything was transcribed.")


async def _send(socket: ClientConnection, event: Event) -> None:
    await socket.send(json.dumps(event))
