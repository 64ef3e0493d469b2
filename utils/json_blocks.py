"""JSON objects of any length, made in blocks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def with_member(members: Mapping[str, Any], name: str, value: Iterable[bytes]) -> Iterator[bytes]:
    """An object of `members`, which are some, and one more whose value is the JSON in `value`."""
    yield b"%s, %s: " % (_written(members)[:-1], _written(name))
    yield from value
    yield b"}"


def text(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The text as a string. Blocks end where characters do."""
    yield b'"'
    for block in blocks:
        yield _written(block.decode())[1:-1]
    yield b'"'


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
