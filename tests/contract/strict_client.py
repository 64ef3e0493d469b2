"""The official Python client, parsed strictly: raw answers validated as the types that it declares, so that a
missing field, one of another type or an event of another name fails. The models are fakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI
from openai.types.audio import TranscriptionStreamEvent
from pydantic import TypeAdapter

from exceptions import ModelFailedError
from options import DecodeOptions
from seams import EncodedWindow
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer

MARKS = [
    pytest.mark.contract("Clients", "Python `openai`", "raw answers validated strictly as its own types"),
    # The hosted translations shut down, and the client says so; ours go on.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]
SPEECH = ("talk.wav", wav(tone(2.0)))
TWO_VOICES = ("talk.wav", wav(tone(3.0, 300.0), silence(1.0), tone(3.0, 900.0)))


class CrashingRecogniser(ScriptedRecogniser):
    """Crashes at the first window whose prompt is `crash once`."""

    has_crashed = False

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if not self.has_crashed and options[0].prompt == "crash once":
            self.has_crashed = True
            raise ModelFailedError("The model crashed.")


@dataclass(frozen=True)
class StrictClient:
    """The client of a server with a fake recogniser; validates what it gets."""

    server: RunningServer
    recogniser: ScriptedRecogniser

    @property
    def openai(self) -> OpenAI:
        return self.server.client

    def transcribe(self, type_: Any, file: tuple[str, bytes] = SPEECH, **asked: Any) -> Any:
        """The answer's bytes as the type that the client declares for them."""
        asked = {"model": "whisper-1"} | asked
        raw = self.openai.audio.transcriptions.with_raw_response.create(file=file, **asked)
        return strictly(type_, raw)

    def events(self, file: tuple[str, bytes] = TWO_VOICES, **asked: Any) -> list[Any]:
        """The lines of a stream as the events that the client declares."""
        create = self.openai.audio.transcriptions.with_streaming_response.create
        with create(model="whisper-1", file=file, stream=True, **asked) as answer:
            *lines, done = [line for line in answer.iter_lines() if line]
        assert done == "data: [DONE]"
        event = TypeAdapter[Any](TranscriptionStreamEvent)
        return [event.validate_json(line.removeprefix("data: "), strict=True) for line in lines]


def strictly(type_: Any, raw: Any) -> Any:
    return TypeAdapter(type_).validate_json(raw.http_response.content, strict=True)
