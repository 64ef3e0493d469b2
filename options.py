"""Options of the pipeline, the same for every endpoint.

Every value is frozen and independent of HTTP; times are integer samples at 16 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from models import NO_KNOWN_VOICES, SAMPLE_RATE, KnownVoices

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
    beam_size: int = 0  # 0: the server's

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


class Delay(StrEnum):
    """How long live words are held back so that fewer of them turn out wrong."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


class Encoding(StrEnum):
    PCM = "pcm"
    """Signed 16-bit little-endian."""
    ULAW = "ulaw"
    ALAW = "alaw"


@dataclass(frozen=True, slots=True)
class LiveFormat:
    """The format of live mono audio; G.711 has 8000 samples per second."""

    encoding: Encoding = Encoding.PCM
    rate: int = 24_000


@dataclass(frozen=True, slots=True)
class ServerVad:
    """A turn ends after a fixed silence."""

    threshold: float = 0.5
    """Minimum probability of a speech frame."""
    padding: int = SAMPLE_RATE * 3 // 10
    """Samples of a turn before its speech."""
    silence: int = SAMPLE_RATE // 2
    """Samples of silence that end a turn."""


@dataclass(frozen=True, slots=True)
class SemanticVad:
    """A turn ends soon after a sentence does, and after `longest` samples of silence wherever it is."""

    longest: int = 4 * SAMPLE_RATE


TurnDetection: TypeAlias = ServerVad | SemanticVad | None
"""None: the client commits each turn."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """The options of a live session, or of the turns that begin after an update."""

    audio: LiveFormat = LiveFormat()
    turns: TurnDetection = ServerVad()
    decode: DecodeOptions = DecodeOptions()
    delay: Delay = Delay.MEDIUM
    strict_deltas: bool = False
    """Whether the deltas of a turn add up to its transcript, at the cost of its accuracy."""
    interim: bool = False
    """Whether deltas carry the words that are not settled yet."""
    diarize: bool = False
    revise: bool = False
    """Whether speaker labels and texts of segments are corrected by later evidence."""
    speakers: SpeakerCount = SpeakerCount()
    known: KnownVoices = NO_KNOWN_VOICES
    store: bool = False
    """Whether the session becomes a background transcription when it ends."""
