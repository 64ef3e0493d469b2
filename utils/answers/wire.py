"""Response bodies as in the official client's types; times in seconds.

Fields that are None are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from options import Granularity, ResponseFormat, Task


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How a caller wants a transcript rendered."""

    format: ResponseFormat = ResponseFormat.JSON
    granularities: frozenset[Granularity] = frozenset({Granularity.SEGMENT})
    task: Task = Task.TRANSCRIBE
    logprobs: bool = False
    counts_tokens: bool = False
    """Usage in tokens rather than seconds, as the hosted API reports it for names that begin with `gpt-`."""
    speakers: bool = False


class DurationUsage(BaseModel):
    type: Literal["duration"] = "duration"
    seconds: float


class InputTokenDetails(BaseModel):
    text_tokens: int
    audio_tokens: int


class TokenUsage(BaseModel):
    type: Literal["tokens"] = "tokens"
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: InputTokenDetails


class WireLogprob(BaseModel):
    token: str
    bytes: list[int]
    logprob: float


class WireLanguage(BaseModel):
    code: str


class WireSpokenLanguage(BaseModel):
    language: str
    seconds: float


class WireWord(BaseModel):
    word: str
    start: float
    end: float
    probability: float
    speaker: str | None = None


class WireSegment(BaseModel):
    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    speaker: str | None = None
    language: str | None = None


class WireTurn(BaseModel):
    start: float
    end: float
    speaker: str


class WireDiarizedSegment(BaseModel):
    type: Literal["transcript.text.segment"] = "transcript.text.segment"
    id: str
    start: float
    end: float
    text: str
    speaker: str


class WireTextDelta(BaseModel):
    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str


class TranscriptionJson(BaseModel):
    text: str
    languages: list[WireLanguage] | None = None
    logprobs: list[WireLogprob] | None = None
    usage: DurationUsage | TokenUsage


class TranscriptionVerboseJson(BaseModel):
    task: Task
    language: str
    duration: float
    text: str
    languages: list[WireSpokenLanguage] | None = None
    segments: list[WireSegment] | None = None
    words: list[WireWord] | None = None
    turns: list[WireTurn] | None = None
    usage: DurationUsage


class TranscriptionDiarizedJson(BaseModel):
    task: Literal["transcribe"] = "transcribe"
    duration: float
    text: str
    languages: list[WireSpokenLanguage] | None = None
    segments: list[WireDiarizedSegment]
    usage: DurationUsage | TokenUsage
