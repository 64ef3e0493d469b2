"""Who may come in: callers with one of the operator's keys, and an owner's name for each."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from exceptions import InvalidApiKeyError
from routes.http.errors import envelope

PUBLIC_PATHS = ("/health", "/health/ready")  # probes have no key


class ApiKeyMiddleware:
    """Pure ASGI, so that a caller is refused before anything of the body is read. No keys: all may enter."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._owners = {_digest("key", key): _digest("owner", key).hex()[:32] for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            owner = self._owner(Headers(scope=scope).get("authorization", ""))
            if owner is None and scope["path"] not in PUBLIC_PATHS:
                await self._refuse(scope, receive, send)
                return
            scope.setdefault("state", {})["owner"] = owner or ""
        await self._app(scope, receive, send)

    def _owner(self, authorization: str) -> str | None:
        """None for a stranger. Every key is compared, each in constant time."""
        if not self._owners:
            return ""
        scheme, _, key = authorization.partition(" ")
        sent = _digest("key", key.strip() if scheme.lower() == "bearer" else "")
        found = [owner for known, owner in self._owners.items() if hmac.compare_digest(known, sent)]
        return found[0] if found else None

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = envelope(
            InvalidApiKeyError("The API key is missing or wrong; send one as 'Authorization: Bearer KEY'.")
        )
        answer.headers["www-authenticate"] = "Bearer"
        await answer(scope, receive, send)


def owner_of(request: HTTPConnection) -> str:
    """Whose files, jobs, voices and results the caller may see: a digest of the key, never the key. Empty
    where the server asks for no keys."""
    return str(request.state.owner)


def _digest(purpose: str, key: str) -> bytes:
    """The server holds no key longer than it must; of equal length, digests compare in constant time."""
    return hashlib.sha256(f"transcription-server/{purpose}:{key}".encode()).digest()
