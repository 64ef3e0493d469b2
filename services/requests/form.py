"""The form of a transcription request: its fields, and how they are encoded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from exceptions import InvalidRequestError
from options import Choice, Granularity, ResponseFormat
from services.requests.audio_track import AudioTrack
from services.requests.field_values import NOT_SENT, texts, words
from services.requests.speaker_names import MAX_REFERENCES, SpeakerName

MAX_SPEAKERS = 100
TYPO_SIMILARITY = 0.86  # from which an unknown field is a typo rather than a field of another server
Count = Annotated[int, Field(ge=1, le=MAX_SPEAKERS)]
Short = Annotated[str, Field(min_length=1, max_length=100)]


class Include(StrEnum):
    LOGPROBS = "logprobs"


class Channels(StrEnum):
    MIX = "mix"
    SEPARATE = "separate"


class ChunkingStrategy(BaseModel):
    """`auto`, or the settings of `server_vad`; the server's default applies to any left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["auto", "server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5_000)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=100, le=10_000)] | None = None


def _unpacked(sent: object) -> object:
    """The fields in `auto`, in JSON text or in bracketed parts."""
    if not isinstance(sent, str):
        return sent
    if sent == "auto":
        return {"type": sent}
    try:
        value = json.loads(sent)
    except (ValueError, RecursionError):
        raise ValueError("send 'auto', or the settings of server_vad, in brackets or as JSON") from None
    return {"type": "auto"} if value in (None, "auto") else value


class TranscriptionForm(BaseModel):
    """The fields of a request other than `file`. Unknown ones are ignored, as in the hosted API, unless they
    look like a typo."""

    model_config = ConfigDict(frozen=True)

    model: Annotated[str, Field(max_length=200)]
    response_format: ResponseFormat = ResponseFormat.JSON
    timestamp_granularities: list[Granularity] = []
    language: Annotated[str, Field(max_length=40)] | None = None
    languages: Annotated[list[Short], Field(max_length=100)] = []
    prompt: Annotated[str, Field(max_length=10_000)] = ""
    keywords: Annotated[list[Short], Field(max_length=100)] = []
    temperature: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    stream: bool = False
    include: list[Include] = []
    chunking_strategy: Annotated[ChunkingStrategy, BeforeValidator(_unpacked)] = ChunkingStrategy(type="auto")
    known_speaker_names: Annotated[list[SpeakerName], Field(max_length=MAX_REFERENCES)] = []
    known_speaker_references: Annotated[list[str], Field(max_length=MAX_REFERENCES)] = []
    known_speakers: Literal["auto"] | None = None
    background: bool = False
    diarize: bool | None = None
    channels: Channels = Channels.MIX
    audio_track: AudioTrack = None
    separate_vocals: Choice | None = None
    align: bool | None = None
    restore_punctuation: bool | None = None
    num_speakers: Count | None = None
    min_speakers: Count | None = None
    max_speakers: Count | None = None


FIELDS = frozenset(TranscriptionForm.model_fields)
LISTS = frozenset(
    name for name, field in TranscriptionForm.model_fields.items() if get_origin(field.annotation) is list
)
WORD_LISTS = frozenset({"timestamp_granularities", "include", "languages"})  # their items hold no comma
NESTED = "chunking_strategy"
VERBATIM = "prompt"


def parse_form(fields: Sequence[tuple[str, str]]) -> TranscriptionForm:
    """Raises InvalidRequestError, which names the parameter."""
    _refuse_typos(fields)
    try:
        return TranscriptionForm.model_validate(_gather(fields))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequestError(_explain(first), param=str(first["loc"][0])) from error


def _refuse_typos(fields: Sequence[tuple[str, str]]) -> None:
    """A client that sends `timestamp_granularity` wants it honoured, not ignored."""
    for sent, _ in fields:
        name = sent.partition("[")[0]
        if name in FIELDS:
            continue
        if meant := get_close_matches(name.lower(), FIELDS, n=1, cutoff=TYPO_SIMILARITY):
            raise InvalidRequestError(
                f"There is no parameter '{name[:100]}'. If '{meant[0]}' is meant, send that.",
                param=name[:100],
            )


def _gather(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """`name[]` and repeated names become lists, `chunking_strategy[part]` its parts; of any other repeated
    name, `name[part]` included, the last value counts. Values of NOT_SENT do not count, nor do spaces around
    others, except around those of the prompt."""
    gathered: dict[str, Any] = {}
    for sent, text in fields:
        name, _, part = sent.partition("[")
        value = text.strip()
        if value in NOT_SENT:
            continue
        if name in LISTS:
            items = words(value) if name in WORD_LISTS else texts(value)
            gathered.setdefault(name, []).extend(items)
        elif name == NESTED and part:
            parts = gathered.get(name)
            gathered[name] = {**(parts if isinstance(parts, dict) else {}), part.rstrip("]"): value}
        else:
            gathered[name] = text if name == VERBATIM else value
    return gathered


def _explain(error: Any) -> str:
    name, *parts = error["loc"]
    whole = name + "".join(f"[{part}]" for part in parts if isinstance(part, str))
    if error["type"] == "missing":
        return f"The parameter '{whole}' is required."
    return f"The parameter '{whole}' is wrong: {error['msg']}."
