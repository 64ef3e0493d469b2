"""WebSocket handshakes go through the same middleware as requests."""

from __future__ import annotations

import json

from starlette.types import Message, Receive, Scope, Send

from routes.http.access import ApiKeyMiddleware
from routes.http.middleware import RequestIdMiddleware

KEY = "a-key-of-the-tests"


async def handshake(*headers: tuple[bytes, bytes]) -> list[Message]:
    """What the server sends; the endpoint accepts whoever comes through, and says whose it is."""
    sent: list[Message] = []

    async def endpoint(scope: Scope, _: Receive, send: Send) -> None:
        await send({"type": "websocket.accept", "state": scope["state"]})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/realtime", "headers": list(headers)}
    await RequestIdMiddleware(ApiKeyMiddleware(endpoint, [KEY], lambda _: None))(scope, receive, send)
    return sent


async def test_a_handshake_without_a_key_is_denied_in_the_envelope() -> None:
    start, body, *_ = await handshake((b"x-request-id", b"mine"))
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert dict(start["headers"])[b"x-request-id"] == b"mine"
    assert json.loads(body["body"])["error"]["code"] == "invalid_api_key"


async def test_a_handshake_with_a_key_has_an_owner_and_an_id() -> None:
    (accepted,) = await handshake((b"authorization", f"Bearer {KEY}".encode()), (b"x-request-id", b"mine"))
    assert accepted["type"] == "websocket.accept"
    assert accepted["state"]["owner"]
    assert accepted["state"]["request_id"] == "mine"
