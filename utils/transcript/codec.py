"""Lossless JSON of results, for checkpoints and caches. Not pickle, which runs code from the disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from models import Chunk, ChunkPart, ChunkResult, Segment, SpeakerTurn, Transcript

T = TypeVar("T", ChunkResult, Transcript)

EXACT = ConfigDict(ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64")
# Wrapped in a tuple: pydantic accepts a config for a tuple, but not for a standard-library dataclass.
ADAPTERS: dict[type, TypeAdapter[Any]] = {
    ChunkResult: TypeAdapter(tuple[ChunkResult], config=EXACT),
    Transcript: TypeAdapter(tuple[Transcript], config=EXACT),
}
PART = TypeAdapter(tuple[Chunk, ChunkPart], config=EXACT)
SEGMENTS = TypeAdapter(tuple[Segment, ...], config=EXACT)
TURNS = TypeAdapter(tuple[SpeakerTurn, ...])


def encode(value: ChunkResult | Transcript) -> bytes:
    """JSON from which `decode` restores an equal value."""
    return ADAPTERS[type(value)].dump_json((value,))


def decode(kind: type[T], data: bytes) -> T:
    """The encoded value. Raises ValueError for data that is not of that kind."""
    value: T = ADAPTERS[kind].validate_json(data, strict=True)[0]
    return value


def encode_part(chunk: Chunk, part: ChunkPart) -> bytes:
    """JSON from which `decode_part` restores an equal part."""
    return PART.dump_json((chunk, part))


def decode_part(data: bytes) -> tuple[Chunk, ChunkPart]:
    """Raises ValueError for data that is not a part of a chunk."""
    return PART.validate_json(data, strict=True)


def encode_segments(segments: Sequence[Segment]) -> bytes:
    """A line of JSON from which `decode_segments` restores equal segments."""
    return SEGMENTS.dump_json(tuple(segments)) + b"\n"


def decode_segments(data: bytes) -> tuple[Segment, ...]:
    """Raises ValueError for data that is not segments."""
    return SEGMENTS.validate_json(data, strict=True)


def encode_turns(turns: Sequence[SpeakerTurn]) -> bytes:
    """A line of JSON from which `decode_turns` restores equal turns."""
    return TURNS.dump_json(tuple(turns)) + b"\n"


def decode_turns(data: bytes) -> tuple[SpeakerTurn, ...]:
    """Raises ValueError for data that is not turns."""
    return TURNS.validate_json(data, strict=True)
