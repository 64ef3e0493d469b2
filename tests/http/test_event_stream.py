"""How a stream of events ends."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from exceptions import ModelFailedError
from routes.http.event_stream import ending_in_error


@pytest.mark.parametrize("sent", [[], [b"data: {}\n\n"], [b"data: {}\n\n", b'data: {"text": "the first']])
async def test_an_error_is_an_event_of_its_own_even_within_a_long_one(sent: list[bytes]) -> None:
    async def blocks() -> AsyncGenerator[bytes]:
        for block in sent:
            yield block
        raise ModelFailedError("The model crashed.")

    stream = ending_in_error(blocks(), AsyncExitStack(), "req_1")
    events = b"".join([block async for block in stream]).split(b"\n\n")
    assert events[-1] == b""
    error = json.loads(events[-2].removeprefix(b"data: "))["error"]
    assert error["message"] == "The model crashed."
