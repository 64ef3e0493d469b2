"""Voices for the fakes and from recordings: enrolled, listed and asked for over HTTP."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx

from config import Settings
from loaders import Loaders
from models import Audio, seconds
from tests.fakes import LoudnessDetector, ScriptedRecogniser, fake_diarizer
from tests.recordings import Conversation, silence, tone, wav
from tests.servers import RunningServer
from utils.model_manager import ModelSource

LOW, HIGH, OTHER = 300.0, 700.0, 1100.0  # three voices, to the fakes
TALK = wav(tone(4, LOW), silence(1), tone(4, HIGH), silence(1), tone(4, OTHER))
KEYS = ("first-key-of-the-tests", "second-key-of-the-tests")


def loaders(network: str = "pitch") -> Loaders:
    return Loaders(
        ModelSource("whisper-base", ScriptedRecogniser),
        ModelSource("loudness", LoudnessDetector),
        lambda models: fake_diarizer(models, network),
    )


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=folder / "work", data_dir=folder / "kept", **changes)


def ask(
    server: RunningServer, method: str, path: str = "", key: str = KEYS[0], **more: Any
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.request(method, f"{server.url}/v1/speakers{path}", headers=headers, timeout=60, **more)


def enrol(server: RunningServer, name: str, *clips: bytes, key: str = KEYS[0]) -> httpx.Response:
    files: list[Any] = [("name", (None, name)), *(("file", ("clip.wav", clip)) for clip in clips)]
    return ask(server, "POST", key=key, files=files)


def labels(server: RunningServer, key: str = KEYS[0], **fields: str) -> list[str]:
    sent = {"model": "whisper-1", "response_format": "diarized_json", "known_speakers": "auto"} | fields
    answer = transcribe(server, sent, key)
    assert answer.status_code == 200, answer.text
    return [segment["speaker"] for segment in answer.json()["segments"]]


def transcribe(server: RunningServer, fields: dict[str, str], key: str = KEYS[0]) -> httpx.Response:
    parts: list[Any] = [(name, (None, value)) for name, value in fields.items()]
    return httpx.post(
        f"{server.url}/v1/audio/transcriptions",
        files=[*parts, ("file", ("talk.wav", TALK))],
        headers={"authorization": f"Bearer {key}"},
        timeout=60,
    )


def clip(hertz: float, length: float = 3.0) -> bytes:
    return wav(tone(length, hertz))


def data_url(clip: bytes) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(clip).decode()}"


def voice(hertz: float, length: float = 3.0) -> str:
    return data_url(wav(tone(length, hertz)))


def clip_of(talk: Conversation, turn: int) -> Audio:
    said = talk.turns[turn]
    return talk.samples[seconds(said.start) : seconds(said.stop)]
