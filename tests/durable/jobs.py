"""Background jobs over HTTP: recordings for them, how one is started and waited for."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.recordings import silence, tone, wav

PATH = "/v1/audio/transcriptions"
FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
LONG = wav(*[tone(20.0, 300), silence(4.0)] * 4)
TALK = wav(tone(3.0, 300), silence(1.0), tone(2.0, 900))


def post(url: str, file: bytes = TALK, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    return httpx.post(f"{url}{PATH}", data=data, files={"file": ("talk.wav", file)}, timeout=60)


def start(url: str, file: bytes = TALK, **fields: str) -> str:
    answer = post(url, file, background="true", **fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "queued"
    assert answer.json()["object"] == "transcription"
    return str(answer.json()["id"])


def finished(url: str, job_id: str, **query: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job: dict[str, Any] = httpx.get(f"{url}{PATH}/{job_id}", params=query).json()
        if job["status"] not in ("queued", "in_progress"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
