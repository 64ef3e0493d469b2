"""What most tests of a running server share: its settings, a long recording and a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from config import Settings
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer

LONG = wav(*([tone(20.0), silence(4.0)] * 20))


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=tmp_path, **changes)


def post(server: RunningServer, file: bytes, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    files = {"file": ("talk.wav", file)}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", data=data, files=files, timeout=60)
