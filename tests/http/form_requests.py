"""Transcription requests with any fields, and what a refusal of one must look like."""

from __future__ import annotations

from typing import Any

import httpx

from tests.recordings import tone, wav
from tests.servers import RunningServer

SPEECH = wav(tone(2.0))
Parts = list[tuple[str, tuple[str | None, str | bytes]]]


def post(server: RunningServer, file: bytes | None = SPEECH, **fields: str | None) -> httpx.Response:
    files = {} if file is None else {"file": ("talk.wav", file)}
    data = {"model": "whisper-1"} | fields
    parts: Parts = [(name, (None, str(value))) for name, value in data.items() if value is not None]
    return httpx.post(f"{server.url}/v1/audio/transcriptions", files=[*parts, *files.items()])


def refusal(answer: httpx.Response, status: int, param: str | None) -> dict[str, Any]:
    """The error of an envelope that is exactly as the official client reads it."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert error["message"]
    assert answer.headers["x-request-id"].startswith("req_")
    return error
