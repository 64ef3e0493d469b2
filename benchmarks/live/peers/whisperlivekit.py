"""WhisperLiveKit, a server from an environment of its own, with the weights of ours."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect

from backends.packaged_weights import BESIDE_THE_PROGRAM, package_folder
from backends.whisper.weights import EMBEDDED
from benchmarks.live.excerpts import Pcm
from benchmarks.report import num_cores
from benchmarks.server_process import HOST, READY_SECONDS, STOP_SECONDS, cpu_seconds, free_port
from models import SAMPLE_RATE

PIECE = SAMPLE_RATE // 20  # samples: 50 ms
LATEST_SECONDS = 60.0
OPTIONS = ("--backend", "faster-whisper", "--backend-policy", "localagreement", "--lan", "en", "--pcm-input")


@dataclass(frozen=True, slots=True)
class PeerProcess:
    base_url: str
    pid: int

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)


@contextmanager
def whisperlivekit_running(program: Path) -> Iterator[PeerProcess]:
    """`program` is its `whisperlivekit-server`. Raises `RuntimeError` if it does not become ready."""
    with tempfile.TemporaryDirectory() as folder:
        _write_weights(Path(folder))
        port = free_port()
        where = ("--host", HOST, "--port", str(port), "--model_dir", folder, "--warmup-file", "")
        threads = {"OMP_NUM_THREADS": str(num_cores()), "HF_HUB_OFFLINE": "1"}
        with subprocess.Popen(
            [program, *where, *OPTIONS],
            env={**os.environ, **threads},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                peer = PeerProcess(f"http://{HOST}:{port}", process.pid)
                _wait_until_ready(peer)
                yield peer
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


async def play_to_whisperlivekit(base_url: str, pcm: Pcm, delay: float) -> list[tuple[str, float]]:
    """The words that it told for good up to LATEST_SECONDS after the end, and when, in seconds since the
    first sample."""
    await asyncio.sleep(delay)
    texts: list[tuple[float, str]] = []
    async with connect(f"ws{base_url.removeprefix('http')}/asr", max_size=None, compression=None) as socket:
        started = time.monotonic()
        speaking = asyncio.create_task(_speak(socket, pcm, started))
        with suppress(TimeoutError):
            async with asyncio.timeout(len(pcm) / SAMPLE_RATE + LATEST_SECONDS):
                async for message in socket:
                    event = json.loads(message)
                    if event.get("type") == "ready_to_stop":
                        break
                    if "lines" in event:
                        lines = (line["text"] for line in event["lines"])
                        texts.append((time.monotonic() - started, " ".join(filter(None, lines))))
        await speaking
    return settled_words(texts)


def settled_words(texts: Iterable[tuple[float, str]]) -> list[tuple[str, float]]:
    """From the whole text at each time: the words of the last one, each with the time since which it and all
    before it stood there."""
    words: list[str] = []
    since: list[float] = []
    for at, text in texts:
        now = text.split()
        kept = _common(words, now)
        words, since = now, [*since[:kept], *[at] * (len(now) - kept)]
    return list(zip(words, since, strict=True))


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    pairs = zip(before, after, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))


async def _speak(socket: ClientConnection, pcm: Pcm, started: float) -> None:
    for first in range(0, len(pcm), PIECE):
        piece = pcm[first : first + PIECE]
        await asyncio.sleep(started + (first + len(piece)) / SAMPLE_RATE - time.monotonic())
        await socket.send(piece.astype("<i2").tobytes())
    await socket.send(b"")  # the end


def _write_weights(folder: Path) -> None:
    for name, parts in EMBEDDED["whisper-base"].parts.items():
        with (folder / name).open("wb") as out:
            for package, path in parts:
                found = package_folder(package, (BESIDE_THE_PROGRAM,))
                assert found, package
                out.write((found / path).read_bytes())


def _wait_until_ready(peer: PeerProcess) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{peer.base_url}/health").json()["ready"]:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError("WhisperLiveKit did not become ready")
