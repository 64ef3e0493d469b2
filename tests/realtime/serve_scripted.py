"""A server of its own process with scripted sessions, to be terminated. Its sessions answer what is committed
only when they are asked to finish, and take a moment. Arguments: the port and a folder."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from server import create_app, serve
from tests.realtime.scripted_session import ScriptedSession, ScriptedSessions
from tests.serve_fakes import settings_in
from tests.servers import fake_loaders


class SlowSessions(ScriptedSessions):
    def prepare(self, session: ScriptedSession) -> None:
        session.answers = False
        session.may_end.clear()
        asyncio.get_running_loop().call_later(1.0, session.may_end.set)


def inject(app: FastAPI) -> None:
    while not hasattr(app.state, "server"):
        time.sleep(0.01)
    app.state.server = replace(app.state.server, live=SlowSessions())


def main(port: int, folder: Path) -> None:
    settings = settings_in(folder, port)
    app = create_app(settings, fake_loaders())
    threading.Thread(target=inject, args=[app], daemon=True).start()
    serve(app, settings)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
