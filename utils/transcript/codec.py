"""Results to JSON and back, exactly: what checkpoints and caches keep. Never pickle: data on disk is data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from models import ChunkResult, Segment, Transcript

T = TypeVar("T", ChunkResult, Transcript)

EXACT = ConfigDict(ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64")
# A tuple of one: pydantic takes a configuration for a tuple, and not for a dataclass that is not its own.
ADAPTERS: dict[type, TypeAdapter[Any]] = {
    ChunkResult: TypeAdapter(tuple[ChunkResult], config=EXACT),
    Transcript: TypeAdapter(tuple[Transcript], config=EXACT),
}
SEGMENTS = TypeAdapter(tuple[Segment, ...], config=EXACT)


def encode(value: ChunkResult | Transcript) -> bytes:
    """JSON that `decode` makes an equal value of."""
    return ADAPTERS[type(value)].dump_json((value,))


def decode(kind: type[T], data: bytes) -> T:
    """The value that was encoded. Raises ValueError for what is none of that kind."""
    value: T = ADAPTERS[kind].validate_json(data, strict=True)[0]
    return value


def encode_segments(segments: Sequence[Segment]) -> bytes:
    """A line of JSON that `decode_segments` makes equal ones of."""
    return SEGMENTS.dump_json(tuple(segments)) + b"\n"


def decode_segments(data: bytes) -> tuple[Segment, ...]:
    """Raises ValueError for what is none."""
    return SEGMENTS.validate_json(data, strict=True)
