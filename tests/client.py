"""What most tests of a running server share: its settings, a long recording and a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from config import Settings
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, wait_until

LONG = wav(*([tone(20.0), silence(4.0)] * 20))


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=tmp_path, **changes)


def post(server: RunningServer, file: bytes, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    files = {"file": ("talk.wav", file)}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", data=data, files=files, timeout=60)


def leave_once(server: RunningServer, file: bytes, condition: Callable[[], bool], **fields: str) -> None:
    """A client that sends a request, disconnects once `condition` holds, and is seen to have left."""
    data = {"model": "whisper-1"} | fields

    async def send() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            url = f"{server.url}/v1/audio/transcriptions"
            request = asyncio.create_task(client.post(url, data=data, files={"file": ("talk.wav", file)}))
            await asyncio.to_thread(wait_until, condition)
            request.cancel()
            await asyncio.wait([request])

    asyncio.run(send())
    wait_until(lambda: not server.state.admission.in_flight)
