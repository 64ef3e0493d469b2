"""Options of the pipeline, the same for every endpoint.

Every value is frozen and independent of HTTP; times are integer samples at 16 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from models import NO_KNOWN_VOICES, KnownVoices

Choice: TypeAlias = bool | Literal["auto"]
"""Yes, no, or decided by the content of the recording."""


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
    """Into English, the only target language of Whisper."""


@dataclass(frozen=True, slots=True)
class SpeakerCount:
    """Bounds that the caller gives for the number of speakers of the recording."""

    minimum: int = 1
    maximum: int | None = None

    @property
    def exact(self) -> int | None:
        return self.minimum if self.minimum == self.maximum else None


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """Options of the recogniser. Hashable: windows with equal options may share a batch."""

    language: str | None = None
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    temperature: float = 0.0
    task: Task = Task.TRANSCRIBE
    logprobs: bool = False
    model: str = ""  # empty: the server's default model

    @property
    def text_language(self) -> str | None:
        """The language of the text, which a translation task makes differ from that of the speech; None if it
        is that of the speech, whichever that is."""
        return "en" if self.task is Task.TRANSLATE else self.language


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """The caller's voice activity detection parameters; None means the server's default."""

    threshold: float | None = None
    """Minimum probability of a speech frame."""
    padding: int | None = None
    """Samples included before the start of speech."""
    silence: int | None = None
    """Samples of silence that end a window."""


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """The options of one transcription, independent of the response format."""

    decode: DecodeOptions = DecodeOptions()
    voice_activity: VoiceActivity = VoiceActivity()
    diarize: bool = False
    speakers: SpeakerCount = SpeakerCount()
    known: KnownVoices = NO_KNOWN_VOICES
    separate_channels: bool = False
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False
    audio_track: int | str | None = None
    """Of several audio tracks, the one with this number, from 1, or this language, as by `language_tag`."""
