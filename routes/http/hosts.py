"""Which names requests may address the server by, and which web pages may send them."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from exceptions import HostNotAllowedError, OriginNotAllowedError
from routes.http.access import PUBLIC_PATHS
from routes.http.errors import refuse

# Docker Desktop forwards the last one to the loopback address of its host.
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})

EXPOSED = ("x-request-id", "openai-processing-ms", "retry-after", "x-should-retry", "x-cache")
PREFLIGHT_SECONDS = 3600  # that a browser need not ask again


def cross_origin(app: ASGIApp, origins: list[str]) -> CORSMiddleware:
    """Lets pages of `origins` call the API. Any request header is allowed: the official client sends more
    with every version, and keys travel in a header, never in a cookie."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST", "DELETE"),
        allow_headers=("*",),
        allow_private_network=True,
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_SECONDS,
    )


class AllowedHostsMiddleware:
    """A web page may point its own name at 127.0.0.1 (DNS rebinding). The browser then takes a server without
    keys for part of that page, and only the Host header gives it away."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host for host in hosts if not host.startswith("*.")}
        self._domains = tuple(host[1:] for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"] not in PUBLIC_PATHS:
            host = _name(Headers(scope=scope).get("host", ""))
            if host and host not in self._hosts and not host.endswith(self._domains):
                message = (
                    f"This server is not called {host[:253]!r}; its operator can add it to ALLOWED_HOSTS."
                )
                await refuse(HostNotAllowedError(message), scope, receive, send)
                return
        await self._app(scope, receive, send)


class WebSocketOriginMiddleware:
    """For a server without keys: browsers let any page open a WebSocket to it and read what it sends, as CORS
    does not hold for them. Pages of its own host may, and those of `origins`."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            origin = headers.get("origin")  # browsers always send it, others hardly ever
            if origin is not None and not self._is_allowed(origin, headers.get("host", "")):
                message = (
                    f"Pages of {origin[:300]!r} may not connect; the operator of this server can add it to "
                    "CORS_ORIGINS."
                )
                await refuse(OriginNotAllowedError(message), scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_allowed(self, origin: str, host: str) -> bool:
        own = bool(host) and origin.partition("://")[2].lower() == host.lower()
        return own or "*" in self._origins or origin in self._origins


def allowed_hosts(listed: str, address: str) -> frozenset[str]:
    """The names of ALLOWED_HOSTS; by default the local ones while the server listens at a loopback address.
    Empty for any."""
    names = frozenset(filter(None, map(str.strip, listed.lower().split(","))))
    if not names and _is_loopback(address):
        return LOCAL_NAMES
    return frozenset() if "*" in names else frozenset(map(_name, names))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _name(host: str) -> str:
    """In lower case, without the port, the brackets of IPv6, or the dot at the end."""
    host = host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() and ":" not in name else host).rstrip(".")
