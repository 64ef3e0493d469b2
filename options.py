"""What a caller can ask of the pipeline, whichever door the request comes through.

Every value is frozen and knows nothing of HTTP; times are integer samples at 16 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from models import NO_KNOWN_VOICES, KnownVoices

Choice: TypeAlias = bool | Literal["auto"]
"""Yes, no, or where the recording calls for it."""


class ResponseFormat(StrEnum):
    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"
    VERBOSE_JSON = "verbose_json"
    DIARIZED_JSON = "diarized_json"


class Granularity(StrEnum):
    WORD = "word"
    SEGMENT = "segment"


class Task(StrEnum):
    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"
    """Into English, the only language that Whisper translates to."""


@dataclass(frozen=True, slots=True)
class SpeakerCount:
    """What the caller knows of the number of speakers."""

    minimum: int = 1
    maximum: int | None = None

    @property
    def exact(self) -> int | None:
        return self.minimum if self.minimum == self.maximum else None


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """What steers the recogniser. Hashable: equal options may share a batch."""

    language: str | None = None
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    temperature: float = 0.0
    task: Task = Task.TRANSCRIBE
    logprobs: bool = False
    model: str = ""  # the server's own where it is empty

    @property
    def text_language(self) -> str | None:
        """The language of what is written, which is not that of what is heard where it is translated."""
        return "en" if self.task is Task.TRANSLATE else self.language


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """What the caller says of where speech begins and ends; None where the server is to judge."""

    threshold: float | None = None
    """Probability from which a moment is speech."""
    padding: int | None = None
    """Samples heard before speech begins."""
    silence: int | None = None
    """Samples of silence that end a window."""


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """What a caller asked of the pipeline; which format the answer takes is not its business."""

    decode: DecodeOptions = DecodeOptions()
    voice_activity: VoiceActivity = VoiceActivity()
    words: bool = False
    diarize: bool = False
    speakers: SpeakerCount = SpeakerCount()
    known: KnownVoices = NO_KNOWN_VOICES
    separate_channels: bool = False
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False
