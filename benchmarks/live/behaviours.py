"""What clients do to a live session, well or ill. Each returns how it ended."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from benchmarks.live.excerpts import RATE, Pcm
from benchmarks.live.player import ENDS, PIECE, play, realtime_url, session_update

PATIENCE = 60.0  # seconds for any answer
RUBBISH = ("{", "[]", "no JSON", '{"type": 7}', '{"type": "response.create"}', "\x00" * 1000)
STALLED_SECONDS = 2.0

E = TypeVar("E", bound=BaseException)

Behaviour = Callable[[str, Pcm], Awaitable[str]]


async def outcome(behaviour: Behaviour, base_url: str, pcm: Pcm) -> str:
    """A status before the upgrade, a close code, or what the behaviour says."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await behaviour(base_url, pcm)
    except* InvalidStatus as group:
        found = str(_first(group).response.status_code)
    except* ConnectionClosed as group:
        closed = _first(group)
        found = f"closed {closed.rcvd.code if closed.rcvd else 1006}"
    except* TimeoutError:
        found = "no answer"
    return found


def _first(group: BaseExceptionGroup[E]) -> E:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def talks(base_url: str, pcm: Pcm) -> str:
    received = await play(base_url, pcm, session_update("en"))
    return "transcribed" if any(each.event["type"] in ENDS for each in received) else "no speech"


async def talks_with_speakers(base_url: str, pcm: Pcm) -> str:
    await play(base_url, pcm, session_update(None, diarize=True))
    return "answered"


async def sends_all_at_once(base_url: str, pcm: Pcm) -> str:
    async with _session(base_url) as socket:
        await socket.send(json.dumps(session_update("en")))
        await _append(socket, pcm)
        await socket.send('{"type": "input_audio_buffer.commit"}')
        return await _until(socket, *ENDS, "error")


async def breaks_off(base_url: str, pcm: Pcm) -> str:
    socket = await _session(base_url)
    await _append(socket, pcm)
    socket.transport.abort()
    return "broken off"


async def breaks_off_amid_the_handshake(base_url: str, _: Pcm) -> str:
    url = urlsplit(base_url)
    assert url.hostname
    _reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"GET /v1/realtime?intent=transcription HTTP/1.1\r\nHost: localhost\r\nUpgrade: webs")
    await writer.drain()
    writer.transport.abort()
    return "broken off"


async def sends_rubbish(base_url: str, _: Pcm) -> str:
    async with _session(base_url) as socket:
        for number in range(60):
            await socket.send(RUBBISH[number % 4])
        return await _until(socket)


async def sends_odd_events(base_url: str, _: Pcm) -> str:
    async with _session(base_url) as socket:
        await socket.send(RUBBISH[4])
        await socket.send(bytes(range(256)))
        await socket.send('{"type": "input_audio_buffer.append", "audio": "?"}')
        await socket.send('{"type": "input_audio_buffer.commit"}')
        await socket.send('{"type": "input_audio_buffer.clear"}')
        return await _until(socket, "input_audio_buffer.cleared")


async def never_reads(base_url: str, pcm: Pcm) -> str:
    socket = await connect(realtime_url(base_url), max_queue=1, compression=None)
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            while True:
                await socket.send(json.dumps(session_update("en")))
                await _append(socket, pcm[:PIECE])
    except TimeoutError:
        return "stalled"
    finally:
        socket.transport.abort()


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__.replace("_", " "): behaviour
    for behaviour in (
        talks,
        talks_with_speakers,
        sends_all_at_once,
        breaks_off,
        breaks_off_amid_the_handshake,
        sends_rubbish,
        sends_odd_events,
        never_reads,
    )
}


def _session(base_url: str) -> connect:
    return connect(realtime_url(base_url), max_size=None, compression=None)


async def _append(socket: ClientConnection, pcm: Pcm) -> None:
    for first in range(0, len(pcm), RATE):
        audio = base64.b64encode(pcm[first : first + RATE].astype("<i2").tobytes()).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))


async def _until(socket: ClientConnection, *kinds: str) -> str:
    """The first event of these kinds; raises `ConnectionClosed`."""
    while True:
        kind: str = json.loads(await socket.recv())["type"]
        if kind in kinds:
            return kind.rpartition(".")[2]
