"""A server with scripted sessions, and a client of its WebSocket."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from openai.types.beta.realtime.realtime_server_event import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from config import Settings
from routes.state import RealtimeLimits
from tests.realtime.scripted_session import ScriptedSession, ScriptedSessions
from tests.servers import RunningServer, fake_loaders, running_server

SECOND = bytes(48_000)  # of PCM at 24 kHz


def _by_type(union: object) -> dict[str, type[BaseModel]]:
    classes = get_args(get_args(union)[0])
    return {get_args(cls.model_fields["type"].annotation)[0]: cls for cls in classes}


GA, BETA = _by_type(RealtimeServerEvent), _by_type(BetaServerEvent)


def check(event: dict[str, Any]) -> None:
    """Strictly: no value is converted. Beta's session has no type that fits: it demands a secret that is
    only sent over HTTP."""
    event_type = event["type"]
    if not event_type.startswith("transcription_session."):
        known = GA.get(event_type) or BETA[event_type]
        known.model_validate_json(json.dumps(event), strict=True)


class Client:
    """Keeps what it has received; each event is checked against the types of the official client, unless the
    session is set up in ways that those do not know."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.is_checked = True
        self.received: list[dict[str, Any]] = []

    def send(self, event_type: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": event_type, **fields}))

    def append(self, audio: bytes = SECOND) -> None:
        self.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())

    def commit(self) -> None:
        self.append()
        self.send("input_audio_buffer.commit")

    def update(self, **settings: Any) -> dict[str, Any]:
        """Of the audio input; the session that holds then."""
        self.send("session.update", session={"type": "transcription", "audio": {"input": settings}})
        session: dict[str, Any] = self.wait_for("session.updated")["session"]
        return session

    def next(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.socket.recv(timeout=10))
        if self.is_checked:
            check(event)
        self.received.append(event)
        return event

    def wait_for(self, event_type: str) -> dict[str, Any]:
        while (event := self.next())["type"] != event_type:
            assert event["type"] != "error", event
        return event

    def error(self) -> dict[str, Any]:
        event = self.next()
        assert event["type"] == "error", event
        error: dict[str, Any] = event["error"]
        return error

    def closed(self) -> tuple[int | None, str]:
        """How the server closes, after what it still sends."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")

    def transcript(self) -> str:
        """Of a turn that is committed now: the session is alive."""
        self.commit()
        return str(self.wait_for("conversation.item.input_audio_transcription.completed")["transcript"])


@dataclass(frozen=True)
class LiveServer:
    running: RunningServer
    live: ScriptedSessions

    @property
    def session(self) -> ScriptedSession:
        return self.live.last

    @property
    def url(self) -> str:
        return self.running.url.replace("http://", "ws://")

    @contextmanager
    def connected(
        self, query: str = "?intent=transcription", path: str = "/v1/realtime", **options: Any
    ) -> Iterator[Client]:
        """A client that has been told of its session."""
        options = {"compression": None, "max_size": None, "proxy": None, "open_timeout": 10} | options
        with connect(self.url + path + query, **options) as socket:
            client = Client(socket)
            client.next()
            yield client

    def limit(self, idle_seconds: float = 600, max_minutes: float = 0) -> None:
        """For connections that are opened from now on."""
        state = self.running.app.state
        state.server = replace(state.server, realtime=RealtimeLimits(idle_seconds, max_minutes))


@contextmanager
def live_server(folder: Path, *, has_diarizer: bool = True, **changes: Any) -> Iterator[LiveServer]:
    settings = Settings(_env_file=None, workspace_dir=folder, **changes)
    loaders = fake_loaders() if has_diarizer else replace(fake_loaders(), diarizer=None)
    with running_server(settings, loaders) as running:
        sessions = ScriptedSessions()
        running.app.state.server = replace(running.state, live=sessions)
        yield LiveServer(running, sessions)
