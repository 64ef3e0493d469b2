"""API-key authentication and per-key ownership."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from exceptions import InvalidApiKeyError
from routes.http.errors import refuse

PUBLIC_PATHS = ("/health", "/health/ready")  # health probes send no key, and address a container by its IP
DOCUMENTATION = ("/docs", "/openapi.json")  # the same for every server of this version
KEY_PROTOCOL = "openai-insecure-api-key."  # before a key among the subprotocols; pages can set no header


class ApiKeyMiddleware:
    """Pure ASGI, to reject a request before reading its body. Without keys all requests are accepted. Client
    secrets open WebSockets only; `owner_of_secret` gives None for one that is not valid."""

    def __init__(
        self, app: ASGIApp, keys: Iterable[str], owner_of_secret: Callable[[str], str | None]
    ) -> None:
        self._app = app
        self._owner_of_secret = owner_of_secret
        self._owners = {_digest("key", key): _digest("owner", key).hex()[:32] for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            owner = self._owner(scope)
            if owner is None and not _is_public(scope["path"]):
                await self._reject(scope, receive, send)
                return
            scope.setdefault("state", {})["owner"] = owner or ""
        await self._app(scope, receive, send)

    def _owner(self, scope: Scope) -> str | None:
        """None for an unknown key. Every key is compared, each in constant time."""
        if not self._owners:
            return ""
        key = sent_key(HTTPConnection(scope))
        sent = _digest("key", key)
        found = [owner for known, owner in self._owners.items() if hmac.compare_digest(known, sent)]
        if found or scope["type"] != "websocket":
            return found[0] if found else None
        return self._owner_of_secret(key)

    async def _reject(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = InvalidApiKeyError(
            "The API key is missing or invalid; send one as 'Authorization: Bearer KEY'."
        )
        await refuse(error, scope, receive, send, {"www-authenticate": "Bearer"})


def _is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path in DOCUMENTATION or path.startswith("/docs/")


def sent_key(request: HTTPConnection) -> str:
    """The key, or client secret, that came in a header or among the subprotocols; empty for none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    if "api-key" in request.headers:  # Azure's clients
        return request.headers["api-key"].strip()
    offered: list[str] = request.scope.get("subprotocols", [])
    keys = (name.removeprefix(KEY_PROTOCOL) for name in offered if name.startswith(KEY_PROTOCOL))
    return next(keys, "")


def owner_of(request: HTTPConnection) -> str:
    """The owner of the files, jobs, voices and results that the caller may access: a digest of the key, never
    the key itself. Empty without authentication."""
    return str(request.state.owner)


def _digest(purpose: str, key: str) -> bytes:
    """The middleware stores digests instead of keys; of equal length, they compare in constant time."""
    return hashlib.sha256(f"transcription-server/{purpose}:{key}".encode()).digest()
