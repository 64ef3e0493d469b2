"""The application: middleware, routes, error handlers, and the lifespan from open port to shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.types import ASGIApp

from assembly import build_state
from config import VERSION, Settings
from exceptions import TranscriptionServerError
from loaders import Loaders, default_loaders
from routes import batches, docs, files, health, jobs, models, speakers, transcriptions, translations
from routes.http.access import ApiKeyMiddleware
from routes.http.errors import ErrorEnvelope, add_error_handlers
from routes.http.hosts import (
    AllowedHostsMiddleware,
    WebSocketOriginMiddleware,
    allowed_hosts,
    cross_origin,
)
from routes.http.middleware import RequestIdMiddleware
from routes.http.paths import PathMiddleware, head_routes
from routes.realtime import client_secrets, door, other_doors
from routes.state import ServerState
from serving import Server
from utils.process.allocator import limit_arenas
from utils.waiting.concurrency import stopped
from utils.waiting.supervision import supervised

ROUTES = (
    *(transcriptions, translations, jobs, files, batches, speakers, models, health, docs),
    *(door, client_secrets, other_doors),
)

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 60


def create_app(settings: Settings, loaders: Loaders | None = None) -> FastAPI:
    loaders = loaders or default_loaders(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            state = build_state(settings, loaders)
        except TranscriptionServerError as error:
            app.state.startup_error = error
            raise
        app.state.server = state
        background: list[asyncio.Task[None]] = []
        try:
            await asyncio.to_thread(state.decoder.start)
            await state.durable.open()
            background.append(asyncio.create_task(_load(app, state, settings.preload)))
            background += [asyncio.create_task(chore) for chore in _chores(state, settings)]
            yield
        except TranscriptionServerError as error:
            app.state.startup_error = error
            raise
        finally:
            await stopped(*background)
            await state.close()

    app = _App(
        settings,
        title="Transcription server",
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": ErrorEnvelope, "description": "Error"}},
    )
    app.state.startup_error = None
    if not settings.keys:
        app.add_middleware(WebSocketOriginMiddleware, origins=settings.origins)
    app.add_middleware(ApiKeyMiddleware, keys=settings.keys, owner_of_secret=partial(_owner_of_secret, app))
    if hosts := allowed_hosts(settings.allowed_hosts, settings.host):
        app.add_middleware(AllowedHostsMiddleware, hosts=hosts)
    add_error_handlers(app)
    for module in ROUTES:
        app.include_router(module.router)
    app.include_router(head_routes(module.router for module in ROUTES))
    return app


def _owner_of_secret(app: FastAPI, secret: str) -> str | None:
    state: ServerState = app.state.server
    found = state.secrets.find(secret)
    return found.owner if found else None


class _App(FastAPI):
    """With middleware around Starlette's own, which answers unexpected errors: those too carry a request id,
    and the headers without which a browser would withhold them from the page."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = PathMiddleware(super().build_middleware_stack(), self._settings.root_path)
        if self._settings.origins:
            app = cross_origin(app, self._settings.origins)
        return RequestIdMiddleware(app)

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        if self._settings.keys:  # `/docs` then asks for one
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
        return document


async def _load(app: FastAPI, state: ServerState, preload: bool) -> None:
    """Load the models once the port is open, so that one in use is found out first. If one cannot be loaded,
    the server stops."""
    await state.listening.wait()
    names, began = ", ".join(state.models.reports()), time.monotonic()
    if not preload:
        logger.info("Ready: each model is loaded on first use (%s).", names)
    else:
        logger.info("Loading the models: %s.", names)
        try:
            await state.models.load_all()
        except TranscriptionServerError as error:
            app.state.startup_error = error
            return
        logger.info("Ready: all models were loaded in %.1f s.", time.monotonic() - began)
    state.loaded.set()


async def _run_durable(state: ServerState) -> None:
    """A job that began before its model is there would count a start each time that the load fails."""
    await state.loaded.wait()
    await state.durable.run()


def _chores(state: ServerState, settings: Settings) -> Iterator[Coroutine[None, None, None]]:
    yield _run_durable(state)
    yield supervised("expiry of results", state.results.delete_expired, SWEEP_SECONDS)
    if idle_seconds := settings.model_idle_seconds:
        unload = partial(state.models.unload_idle, idle_seconds)
        yield supervised("unloading of idle models", unload, min(idle_seconds, 60) / 2)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until stopped. Exits the process when the server cannot start."""
    limit_arenas()
    # What exists now stays. A full collection would look at all of it again, and hold every thread, the event
    # loop's among them, for some 60 ms.
    gc.collect()
    gc.freeze()
    # The operator gets a startup error as one line; uvicorn would add a traceback.
    logging.getLogger("uvicorn.error").addFilter(lambda _: app.state.startup_error is None)
    try:
        Server(app, settings).run()
    except SystemExit:
        if app.state.startup_error is None:
            raise
    if app.state.startup_error:
        sys.exit(f"Cannot start: {app.state.startup_error.message}")


def main() -> None:
    # uvicorn re-raises the signal that stopped it at the end; exit cleanly, without a traceback.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"Cannot start: invalid settings.\n{error}")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # transformers' too; useless in a log
    try:
        app = create_app(settings)
    except TranscriptionServerError as error:
        sys.exit(f"Cannot start: {error.message}")
    serve(app, settings)


if __name__ == "__main__":
    main()
