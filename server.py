"""The application: middleware, routes, one error handler, and a life from preload to shutdown."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from assembly import build_state
from config import Settings
from exceptions import TranscriptionServerError
from loaders import Loaders, default_loaders
from routes import batches, files, health, jobs, models, speakers, transcriptions, translations
from routes.http.access import AccessMiddleware
from routes.http.errors import ErrorEnvelope, add_error_handlers
from routes.http.middleware import RequestIdMiddleware
from routes.state import ServerState
from transcription_server import __version__
from utils.allocator import share_arenas
from utils.model_manager import ModelManager

SWEEP_SECONDS = 60
ENDING_SECONDS = 3  # of the time to shut down are kept for the end itself


def create_app(settings: Settings, loaders: Loaders | None = None) -> FastAPI:
    loaders = loaders or default_loaders(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = build_state(settings, loaders)
        app.state.server = state
        chores: list[asyncio.Task[None]] = []
        try:
            await _prepare(state, settings.preload)
            chores += [
                asyncio.create_task(_unload_idle(state.models, settings.model_idle_seconds)),
                asyncio.create_task(state.durable.run()),
                asyncio.create_task(_sweep(state)),
            ]
            yield
        except TranscriptionServerError as error:
            app.state.obstacle = error
            raise
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await asyncio.to_thread(state.models.close)
            await state.durable.close()
            state.temp.close()

    app = FastAPI(
        title="Transcription server",
        version=__version__,
        lifespan=lifespan,
        responses={"default": {"model": ErrorEnvelope, "description": "What is wrong, and what to do"}},
    )
    app.state.obstacle = None  # what keeps the server from starting
    app.add_middleware(AccessMiddleware, keys=settings.keys)
    app.add_middleware(RequestIdMiddleware)
    add_error_handlers(app)
    for door in (transcriptions, translations, jobs, files, batches, speakers, models, health):
        app.include_router(door.router)
    return app


async def _prepare(state: ServerState, preload: bool) -> None:
    await state.durable.open()
    if preload:
        await state.models.load_all()


async def _unload_idle(models: ModelManager, idle_seconds: float) -> None:
    while idle_seconds:
        await asyncio.sleep(min(idle_seconds, 60) / 2)
        await models.unload_idle(idle_seconds)


async def _sweep(state: ServerState) -> None:
    while True:
        await state.results.forget_old()
        await asyncio.sleep(SWEEP_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn, which first lets who is in the house finish."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level=settings.log_level,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._app = app
        self._seconds = settings.shutdown_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Callers who come now, and those who are not done in time, are told to come again. A step that
        outlasts all that is cut off: what must last is in SQLite."""
        last = threading.Timer(self._seconds, os._exit, [1])
        last.daemon = True
        last.start()
        state: ServerState = self._app.state.server
        state.admission.close()
        state.durable.runner.close()
        for _ in range((self._seconds - ENDING_SECONDS) * 20):
            if state.admission.inside and not self.force_exit:
                await asyncio.sleep(1 / 20)
        state.admission.send_home()
        await super().shutdown(sockets)
        last.cancel()


def serve(app: FastAPI, settings: Settings) -> None:
    """Until told to stop. Leaves the process when something keeps the server from starting."""
    share_arenas()
    # That is told in one line; the framework would add where in the code it was met.
    logging.getLogger("uvicorn.error").addFilter(lambda _: app.state.obstacle is None)
    try:
        _Server(app, settings).run()
    except SystemExit:
        if app.state.obstacle:
            sys.exit(f"Cannot start: {app.state.obstacle.message}")
        raise


def main() -> None:
    # uvicorn raises the signal that stopped it once more in the end: that is no failure, nor a traceback.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"Cannot start: a setting is wrong.\n{error}")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # also transformers': a log is no terminal
    try:
        app = create_app(settings)
    except TranscriptionServerError as error:
        sys.exit(f"Cannot start: {error.message}")
    serve(app, settings)


if __name__ == "__main__":
    main()
