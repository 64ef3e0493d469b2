"""A real server over a socket, in this process, so that fakes can be handed to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from openai import OpenAI

from config import Settings
from loaders import Loaders
from routes.state import ServerState
from server import create_app
from serving import Server
from tests.fakes import LoudnessDetector, ScriptedRecogniser, fake_diarizer
from utils.model_manager import ModelSource


def fake_loaders(recogniser: Callable[[], ScriptedRecogniser] = ScriptedRecogniser) -> Loaders:
    return Loaders(
        ModelSource("whisper-base", recogniser),
        ModelSource("loudness", LoudnessDetector),
        fake_diarizer,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


@dataclass(frozen=True)
class RunningServer:
    url: str
    app: FastAPI
    client: OpenAI

    @property
    def state(self) -> ServerState:
        return self.app.state.server  # type: ignore[no-any-return]


class UndrainedServer(Server):
    """The server as it is, but it stops at once, and never takes the process of the tests with it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.shutdown(self, sockets)


@contextmanager
def running_server(
    settings: Settings, loaders: Loaders | None = None, *, until_loaded: bool = True
) -> Iterator[RunningServer]:
    """With `until_loaded` its models are loaded, or to be loaded on first use; else only its port is open."""
    if settings.data_dir is None:
        with TemporaryDirectory() as folder:
            # Tests that name no data folder may send a recording twice and want it worked on twice.
            own = settings.model_copy(update={"data_dir": Path(folder), "result_cache_mb": 0})
            with running_server(own, loaders, until_loaded=until_loaded) as running:
                yield running
        return
    app = create_app(settings, loaders)
    server = UndrainedServer(app, settings.model_copy(update={"port": 0}))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not (server.started and (app.state.server.loaded.is_set() or not until_loaded)):
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
            yield RunningServer(url, app, client)
    finally:
        server.should_exit = True
        thread.join()
