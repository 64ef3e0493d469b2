"""The systems that are compared, each of which hears excerpts side by side."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.live.excerpts import Excerpt
from benchmarks.live.peers.whisperlivekit import PeerProcess, play_to_whisperlivekit, whisperlivekit_running
from benchmarks.live.player import play, session_update
from benchmarks.live.told import LiveTurn, Told, live_turns, told_words, words_of
from benchmarks.server_process import SERVER, ServerProcess
from benchmarks.worker import Worker

STAGGER = 0.37  # seconds between the starts of two sessions
ROOM = "64"  # sessions


@dataclass(frozen=True, slots=True)
class Session:
    """What was told of an excerpt; `turns` are known of the server only."""

    text: str
    told: Sequence[Told]
    turns: Sequence[LiveTurn] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Sessions side by side, and the processor seconds that they took."""

    sessions: tuple[Session, ...]
    cpu: float


class System(Protocol):
    def run(self, excerpts: Sequence[Excerpt]) -> Run: ...


class Server:
    def __init__(self, process: ServerProcess, **transcription: Any) -> None:
        self._process = process
        self._transcription = transcription

    @classmethod
    @contextmanager
    def running(cls, **settings: str) -> Iterator[ServerProcess]:
        with ServerProcess.running(SERVER, False, LIVE_SESSIONS=ROOM, **settings) as process:
            yield process

    def run(self, excerpts: Sequence[Excerpt]) -> Run:
        before = self._process.cpu_seconds()
        sessions = asyncio.run(self._play(excerpts))
        return Run(sessions, self._process.cpu_seconds() - before)

    async def _play(self, excerpts: Sequence[Excerpt]) -> tuple[Session, ...]:
        work = (self._session(excerpt, n * STAGGER) for n, excerpt in enumerate(excerpts))
        return tuple(await asyncio.gather(*work))

    async def _session(self, excerpt: Excerpt, delay: float) -> Session:
        update = session_update(excerpt.language, **self._transcription)
        turns = live_turns(await play(self._process.base_url, excerpt.pcm, update, delay))
        text = " ".join(turn.transcript.strip() for turn in turns)
        return Session(text, told_words(turns, excerpt.language), turns)


class Baseline:
    """LocalAgreement-2 in sessions that share one lock around faster-whisper."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Baseline]:
        with Worker("benchmarks.live.peers.baseline") as worker:
            yield cls(worker)

    def run(self, excerpts: Sequence[Excerpt]) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{n}.npy" for n in range(len(excerpts))]
            for file, excerpt in zip(files, excerpts, strict=True):
                np.save(file, excerpt.pcm_16_khz)
            asked = [
                {"pcm": str(file), "language": excerpt.language}
                for file, excerpt in zip(files, excerpts, strict=True)
            ]
            body = self._worker.request(excerpts=asked, stagger=STAGGER).body
        return Run(tuple(map(_session, body["told"], excerpts)), body["cpu"])


class WhisperLiveKit:
    """With faster-whisper and the same weights, from an environment of its own."""

    def __init__(self, process: PeerProcess) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(cls, program: Path) -> Iterator[WhisperLiveKit]:
        with whisperlivekit_running(program) as process:
            yield cls(process)

    def run(self, excerpts: Sequence[Excerpt]) -> Run:
        before = self._process.cpu_seconds()
        told = asyncio.run(self._play(excerpts))
        return Run(tuple(map(_session, told, excerpts)), self._process.cpu_seconds() - before)

    async def _play(self, excerpts: Sequence[Excerpt]) -> list[list[tuple[str, float]]]:
        url = self._process.base_url
        work = (
            play_to_whisperlivekit(url, excerpt.pcm_16_khz, n * STAGGER) for n, excerpt in enumerate(excerpts)
        )
        return await asyncio.gather(*work)


def _session(told: Sequence[tuple[str, float]], excerpt: Excerpt) -> Session:
    words = [Told(part, at) for word, at in told for part in words_of(word, excerpt.language)]
    return Session(" ".join(word for word, _ in told), words)
