"""JSON objects of any length, generated in blocks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MEDIA_TYPE = "application/json"


def with_member(members: Mapping[str, Any], name: str, value: Iterable[bytes]) -> Iterator[bytes]:
    """An object of `members`, which must not be empty, and one more whose value is the JSON in `value`."""
    yield b"%s, %s: " % (written(members)[:-1], written(name))
    yield from value
    yield b"}"


def as_value(body: Iterable[bytes], media_type: str) -> Iterable[bytes]:
    """A body as a JSON value: unchanged if it is JSON itself, else as a string."""
    return body if media_type == MEDIA_TYPE else text(body)


def text(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A text body as a JSON string. Blocks must end at character boundaries."""
    yield b'"'
    for block in blocks:
        yield written(block.decode())[1:-1]
    yield b'"'


def written(value: Any) -> bytes:
    """A short value, serialised in one piece."""
    return json.dumps(value, ensure_ascii=False).encode()
