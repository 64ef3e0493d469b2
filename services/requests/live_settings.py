"""The configuration of a live session, as the current API of OpenAI spells it, and how updates change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from exceptions import InvalidRequestError
from options import Delay
from services.requests.form import Count, Short
from services.requests.speaker_names import MAX_REFERENCES, SpeakerName
from utils.model_names import LIVE, hosted_name

Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]
LOGPROBS = "item.input_audio_transcription.logprobs"
INVALID = "invalid_value"
TYPES = {"format": "audio/pcm", "turn_detection": "server_vad"}
"""By default, of those with settings that depend on their type."""


class _Settings(BaseModel):
    """Unknown fields are ignored: clients send those of conversations, and of versions to come."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AudioFormat(_Settings):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Annotated[int, Field(ge=8_000, le=48_000)] = 24_000
    """Of PCM; the hosted API takes 24000 only."""


class NoiseReduction(_Settings):
    """Accepted and shown, and without effect: the recogniser has learnt from noisy speech."""

    type: Literal["near_field", "far_field"] | None = None
    strength: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class SpeakerBounds(_Settings):
    minimum: Count = 1
    maximum: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> SpeakerBounds:
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("'maximum' is below 'minimum'")
        return self


class Transcription(_Settings):
    """What follows `delay` is ours. Fields that are missing, or null, have the server's default."""

    model: Annotated[str, Field(max_length=200)] | None = None
    language: Annotated[str, Field(max_length=40)] | None = None
    languages: Annotated[list[Short], Field(max_length=100)] = []
    keywords: Annotated[list[Short], Field(max_length=100)] = []
    prompt: Annotated[str, Field(max_length=10_000)] = ""
    delay: Delay = Delay.MEDIUM
    diarize: bool | None = None
    known_speaker_names: Annotated[list[SpeakerName], Field(max_length=MAX_REFERENCES)] = []
    known_speaker_references: Annotated[list[str], Field(max_length=MAX_REFERENCES)] = []
    known_speakers: Literal["auto"] | None = None
    speakers: SpeakerBounds | None = None
    interim: bool = False
    words: bool = False
    revise: bool = False
    strict_deltas: bool = False


class TurnDetection(_Settings):
    """Those of `server_vad` and of `semantic_vad`; the last three steer conversations, and are shown only."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5_000)] = 300
    silence_duration_ms: Annotated[int, Field(ge=0, le=60_000)] = 500
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    idle_timeout_ms: Milliseconds | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class AudioInput(_Settings):
    format: AudioFormat = AudioFormat()
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    """We always transcribe: null means the server's own model, without options."""
    turn_detection: TurnDetection | None = None
    """Null where the client commits its turns; what holds if it is not set depends on the model."""


class Audio(_Settings):
    input: AudioInput = AudioInput()


class LiveSettings(_Settings):
    include: Annotated[list[Short], Field(max_length=100)] = []
    audio: Audio = Audio()
    store: bool = False
    """Ours: whether the session becomes a background transcription when it ends."""

    @property
    def input(self) -> AudioInput:
        return self.audio.input

    @property
    def transcription(self) -> Transcription:
        return self.input.transcription or Transcription()

    @property
    def turn_detection(self) -> TurnDetection | None:
        """Where none is set, the two live models of the hosted API leave turns to the client."""
        if "turn_detection" in self.input.model_fields_set:
            return self.input.turn_detection
        return None if hosted_name(self.transcription.model or "") in LIVE else TurnDetection()

    def updated(self, changes: Mapping[str, Any]) -> LiveSettings:
        """With the fields that `changes` names. Raises InvalidRequestError, which names the field."""
        merged = _merged(self.model_dump(exclude_unset=True), changes)
        try:
            return LiveSettings.model_validate(merged)
        except ValidationError as error:
            raise _invalid(error) from error


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """As a JSON merge patch (RFC 7386), except that the null of `turn_detection` is a value, and that the
    settings of another type of format or turn detection start anew."""
    merged = dict(settings)
    for name, change in changes.items():
        before = merged.get(name)
        if name == "turn_detection" and (change is None or _type(change) == "none"):  # the latter is Azure's
            merged[name] = None
        elif change is None:
            merged.pop(name, None)
        elif isinstance(change, Mapping):
            is_other = name in TYPES and _type(change) not in (None, _type(before) or TYPES[name])
            kept = before if isinstance(before, Mapping) and not is_other else {}
            merged[name] = _merged(kept, change)
        else:
            merged[name] = change
    return merged


def _type(settings: object) -> object:
    return settings.get("type") if isinstance(settings, Mapping) else None


def _invalid(error: ValidationError) -> InvalidRequestError:
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return InvalidRequestError(f"'{name}' is wrong: {first['msg']}.", param=name, code=INVALID)
