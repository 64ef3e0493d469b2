"""The paths that clients ask for, brought to those of the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

# Azure's deployments, and the base paths of Azure and Groq. A deployment is Azure's name of a model.
OTHER_BASES = re.compile(r"/openai(/deployments/(?P<deployment>[^/]+)|/v1)?(?=/)")


class PathMiddleware:
    """Removes the path of a reverse proxy, which may have done so itself, and a slash at the end, and serves
    the paths of Azure and Groq as those of the API. A redirect instead would lose uploads, and would name the
    address that the Host header claims."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            path = scope["path"]
            if f"{path}/".startswith(f"{self._root_path}/"):
                path = path.removeprefix(self._root_path)
            scope["root_path"] = self._root_path  # of links in answers
            scope["path"] = _api_path(path, scope).rstrip("/") or "/"
        await self._app(scope, receive, send)


def _api_path(path: str, scope: Scope) -> str:
    other = OTHER_BASES.match(path)
    if not other:
        return path
    scope.setdefault("state", {})["deployment"] = other["deployment"]
    return f"/v1{path[other.end() :]}"


def deployment_of(request: HTTPConnection) -> str | None:
    """The deployment in an Azure path, which names the model."""
    name: str | None = getattr(request.state, "deployment", None)
    return name


def head_routes(routers: Iterable[APIRouter]) -> APIRouter:
    """HEAD for everything that has GET, which FastAPI, unlike Starlette, leaves out."""
    heads = APIRouter(include_in_schema=False)
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                heads.add_api_route(
                    route.path,
                    route.endpoint,
                    methods=["HEAD"],
                    response_class=route.response_class,
                    response_model=route.response_model,
                )
    return heads
