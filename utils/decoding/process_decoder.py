"""Decodes uploads in processes of their own, so that a hostile or broken file harms only its sender."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from exceptions import InvalidAudioError
from utils.audio_utils import CLIP_FORMAT, Samples, SoundFormat
from utils.decoding.protocol import HEADER, MAX_BYTES, NEXT, DecodeRequest, Kind, block_of, error_of
from utils.decoding.tracks import ANY_TRACK, TrackChoice
from utils.process.fork_server import ForkServer
from utils.waiting.concurrency import finish_in_thread

logger = logging.getLogger(__name__)

STEP_SECONDS = 120.0  # until an answer; the process's own limit is of processor time


class DecodedAudio:
    """A file that is being decoded."""

    def __init__(self, connection: socket.socket, target: SoundFormat, claimed_samples: int) -> None:
        """`claimed_samples`, at the target's rate, is what the container declares; 0 for nothing."""
        self.claimed_samples = claimed_samples
        self._connection = connection
        self._target = target

    def __aiter__(self) -> DecodedAudio:
        return self

    async def __anext__(self) -> Samples:
        """The next (channels, n) block, decoded now. Raises InvalidAudioError."""
        try:
            kind, channels, content = await _ask(self._connection, NEXT)
        except EOFError as error:
            raise _beyond_limits() from error
        if kind == Kind.END:
            _log(json.loads(content))
            raise StopAsyncIteration
        return block_of(channels, content, self._target)


class ProcessDecoder:
    """The decoder of the server."""

    def __init__(self) -> None:
        self._forks = ForkServer("utils.decoding.child")

    def start(self) -> None:
        """Blocks; without it the first file waits for the start of an interpreter."""
        self._forks.start()

    def close(self) -> None:
        self._forks.close()

    @asynccontextmanager
    async def open(
        self, source: Path, target: SoundFormat = CLIP_FORMAT, choice: TrackChoice = ANY_TRACK
    ) -> AsyncIterator[DecodedAudio]:
        """Raises InvalidAudioError, InvalidRequestError for a track that the file lacks."""
        request = DecodeRequest(target, choice).to_bytes()
        async with AsyncExitStack() as stack:
            try:
                connection = await self._started(source, request, stack)
            except EOFError:  # the process that forks had ended, which was not the file's fault
                connection = await self._started(source, request, stack)
            try:
                _, _, content = await _ask(connection, NEXT)
            except EOFError as error:
                raise _beyond_limits() from error
            yield DecodedAudio(connection, target, int(json.loads(content)))

    async def _started(self, source: Path, request: bytes, stack: AsyncExitStack) -> socket.socket:
        """A connection to a process that has read the request. Raises EOFError if there is none."""
        connection = stack.enter_context(await finish_in_thread(partial(self._connect, source)))
        await _ask(connection, request)
        return connection

    def _connect(self, source: Path) -> socket.socket:
        with source.open("rb") as file:
            connection = self._forks.connect(file.fileno())
        connection.setblocking(False)
        return connection


async def _ask(connection: socket.socket, question: bytes) -> tuple[Kind, int, bytearray]:
    """The answer: its kind, number of channels and content.

    Raises EOFError once the process has ended, and the errors that it sends.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(STEP_SECONDS):
            await loop.sock_sendall(connection, question)
            kind, channels, size = HEADER.unpack(await _received(connection, HEADER.size))
            if size > MAX_BYTES:
                raise EOFError("The answer is too long.")
            content = await _received(connection, size)
    except (ConnectionError, TimeoutError) as error:
        raise EOFError from error
    if kind == Kind.ERROR:
        raise error_of(json.loads(content))
    return Kind(kind), channels, content


async def _received(connection: socket.socket, size: int) -> bytearray:
    content = bytearray(size)
    rest = memoryview(content)
    while rest:
        count = await asyncio.get_running_loop().sock_recv_into(connection, rest)
        if not count:
            raise EOFError("The decoding process has ended.")
        rest = rest[count:]
    return content


def _beyond_limits() -> InvalidAudioError:
    return InvalidAudioError("The file takes more time or memory to decode than audio of its size may.")


def _log(report: dict[str, Any]) -> None:
    if report["skipped_packets"] or report["end"]:
        logger.info(
            "skipped %d damaged packets of a recording%s",
            report["skipped_packets"],
            f"; decoding ended early: {report['end']}" if report["end"] else "",
        )
    if report["filled"]:
        logger.info("filled gaps of %.2f s in a recording with silence", report["filled"])
    if report["alternative"]:
        logger.info("audio track %d is silent; transcribing track %d", *report["alternative"])
