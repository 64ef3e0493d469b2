"""API-key authentication and per-key ownership."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from exceptions import InvalidApiKeyError
from routes.http.errors import envelope

PUBLIC_PATHS = ("/health", "/health/ready")  # health probes send no key, and address a container by its IP
DOCUMENTATION = ("/docs", "/openapi.json")  # the same for every server of this version


class ApiKeyMiddleware:
    """Pure ASGI, to reject a request before reading its body. Without keys all requests are accepted."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._owners = {_digest("key", key): _digest("owner", key).hex()[:32] for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            owner = self._owner(Headers(scope=scope))
            if owner is None and not _is_public(scope["path"]):
                await self._reject(scope, receive, send)
                return
            scope.setdefault("state", {})["owner"] = owner or ""
        await self._app(scope, receive, send)

    def _owner(self, headers: Headers) -> str | None:
        """None for an unknown key. Every key is compared, each in constant time."""
        if not self._owners:
            return ""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = headers.get("api-key", "")  # Azure's clients
        sent = _digest("key", key.strip())
        found = [owner for known, owner in self._owners.items() if hmac.compare_digest(known, sent)]
        return found[0] if found else None

    async def _reject(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = envelope(
            InvalidApiKeyError("The API key is missing or invalid; send one as 'Authorization: Bearer KEY'.")
        )
        response.headers["www-authenticate"] = "Bearer"
        await response(scope, receive, send)


def _is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path in DOCUMENTATION or path.startswith("/docs/")


def owner_of(request: HTTPConnection) -> str:
    """The owner of the files, jobs, voices and results that the caller may access: a digest of the key, never
    the key itself. Empty without authentication."""
    return str(request.state.owner)


def _digest(purpose: str, key: str) -> bytes:
    """The middleware stores digests instead of keys; of equal length, they compare in constant time."""
    return hashlib.sha256(f"transcription-server/{purpose}:{key}".encode()).digest()
