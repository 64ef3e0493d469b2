"""A server of live sessions that answers as a script says, over a socket."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from cli.live.turns import TRANSCRIPTION
from tests.servers import wait_until

Event: TypeAlias = dict[str, Any]


@dataclass
class Session:
    """The only session of a server: what its client sent, and a way to tell it something."""

    script: Callable[[Session, Event], None]
    received: list[Event] = field(default_factory=list)
    request: Request | None = None
    socket: ServerConnection | None = None

    def tell(self, kind: str, **values: Any) -> None:
        assert self.socket
        self.socket.send(json.dumps({"type": kind, "event_id": "event_1", **values}))

    def delta(self, text: str, interim: str = "", item: str = "item_1") -> None:
        self.tell(f"{TRANSCRIPTION}delta", item_id=item, delta=text, interim=interim)

    def complete(self, text: str, item: str = "item_1") -> None:
        self.tell("input_audio_buffer.committed", item_id=item)
        self.tell(f"{TRANSCRIPTION}completed", item_id=item, transcript=text)

    @property
    def sound(self) -> bytes:
        return b"".join(base64.b64decode(event["audio"]) for event in self.received if "audio" in event)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.received]

    def wait_for(self, kind: str) -> None:
        wait_until(lambda: kind in self.kinds)

    def serve(self, socket: ServerConnection) -> None:
        self.socket, self.request = socket, socket.request
        with suppress(ConnectionClosed):
            self.tell("session.created", session={})
        with suppress(ConnectionClosed):
            for message in socket:
                self.received.append(json.loads(message))
                self.script(self, self.received[-1])


def says_good_morning(session: Session, event: Event) -> None:
    """Answers a commit, and what ends a session."""
    if event["type"] == "input_audio_buffer.commit":
        session.complete("Good morning.")
    if event["type"] == "input_audio_buffer.clear":
        session.tell("input_audio_buffer.cleared")


@contextmanager
def live_server(
    script: Callable[[Session, Event], None] = says_good_morning, refusal: Response | None = None
) -> Iterator[tuple[str, Session]]:
    """Its base URL and its session. With a `refusal` there is none."""
    session = Session(script)
    with serve(session.serve, "127.0.0.1", 0, process_request=lambda *_: refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1", session
        finally:
            server.shutdown()
            thread.join()
