"""JSON objects with members of any length, rendered lazily in short pieces. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class LongText:
    """A string in pieces."""

    pieces: Iterable[str]


Member: TypeAlias = str | float | LongText | BaseModel | Mapping[str, str] | Iterable[BaseModel]


def render_object(members: Mapping[str, Member | None]) -> Iterator[str]:
    """Members that are None are left out.

    A list is rendered item by item: a day of words would fill the memory and, in one call, hold the GIL.
    """
    before = "{"
    for name, value in members.items():
        if value is None:
            continue
        yield f"{before}{json.dumps(name)}:"
        yield from _value(value)
        before = ","
    yield "}"


def _value(value: Member) -> Iterator[str]:
    if isinstance(value, LongText):
        yield '"'
        yield from (_written(piece)[1:-1] for piece in value.pieces)
        yield '"'
    elif isinstance(value, BaseModel):
        yield value.model_dump_json(exclude_none=True)
    elif isinstance(value, str | float | Mapping):
        yield _written(value)
    else:
        yield "["
        for number, item in enumerate(value):
            yield ("," if number else "") + item.model_dump_json(exclude_none=True)
        yield "]"


def _written(value: str | float | Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
