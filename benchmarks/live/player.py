"""Plays audio to a live session in real time, and notes when each event comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.live.excerpts import RATE, Pcm
from benchmarks.values import Message

PIECE = RATE // 20  # samples: 50 ms
TAIL_SECONDS = 1.5  # of silence after the audio, which ends the last turn
ANSWER_SECONDS = 120.0  # for the transcripts of what was committed
TRANSCRIPTION = "conversation.item.input_audio_transcription"
ENDS = (f"{TRANSCRIPTION}.completed", f"{TRANSCRIPTION}.failed")


@dataclass(frozen=True, slots=True)
class Received:
    """An event of the server, and when it came, in seconds since the first sample was spoken."""

    at: float
    event: Message


def realtime_url(base_url: str) -> str:
    return f"ws{base_url.removeprefix('http')}/v1/realtime?intent=transcription"


def session_update(language: str | None, **transcription: Any) -> Message:
    """A session of `server_vad` with its defaults, and with interims."""
    model = {"model": "gpt-4o-transcribe", "language": language, "interim": True, **transcription}
    audio = {
        "format": {"type": "audio/pcm", "rate": RATE},
        "transcription": model,
        "turn_detection": {"type": "server_vad"},
    }
    return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": audio}}}


async def play(base_url: str, pcm: Pcm, update: Message, delay: float = 0.0) -> list[Received]:
    """The events of a session, up to the transcript of the last turn. Raises `RuntimeError` if that does not
    come, `ConnectionClosed`, `InvalidStatus`."""
    await asyncio.sleep(delay)
    async with connect(realtime_url(base_url), max_size=None, compression=None) as socket:
        await socket.send(json.dumps(update))
        listener = _Listener(socket)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(listener.read())
            await _speak(socket, pcm, listener.started)
            silence = np.zeros(round(TAIL_SECONDS * RATE), np.int16)
            await _speak(socket, silence, listener.started + len(pcm) / RATE)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await listener.all_answered()
            except TimeoutError as error:
                raise RuntimeError("a committed turn was not answered") from error
            finally:
                reading.cancel()
        return listener.received


class _Listener:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.started = time.monotonic()
        self.received: list[Received] = []
        self._open: set[str] = set()  # turns without a transcript
        self._changed = asyncio.Event()

    async def read(self) -> None:
        async for text in self._socket:
            event = json.loads(text)
            self.received.append(Received(time.monotonic() - self.started, event))
            if event["type"] == "input_audio_buffer.speech_started":
                self._open.add(event["item_id"])
            elif event["type"] in ENDS:
                self._open.discard(event["item_id"])
                self._changed.set()

    async def all_answered(self) -> None:
        while self._open:
            self._changed.clear()
            await self._changed.wait()


async def _speak(socket: ClientConnection, pcm: Pcm, started: float) -> None:
    """Each piece is sent when its last sample has been spoken, as a microphone would."""
    for first in range(0, len(pcm), PIECE):
        piece = pcm[first : first + PIECE]
        await asyncio.sleep(started + (first + len(piece)) / RATE - time.monotonic())
        audio = base64.b64encode(piece.astype("<i2").tobytes()).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
