"""The server with a chunk runner that has the transcript of a day at once.

GET /stop answers for how many seconds the event loop stood still at most since it was last asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from benchmarks.load.day_transcript import ReadyChunks
from config import Settings
from server import create_app, serve

BEAT = 0.002  # seconds


class Heartbeat:
    """Wakes every BEAT, and notes what the process computes at most from one wake to the next, in seconds."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def run(self) -> None:
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(BEAT)
            late = time.perf_counter() - wall - BEAT
            self._longest = max(self._longest, min(late, time.process_time() - cpu))

    async def longest_stop(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


def main() -> None:
    settings = Settings(_env_file=None, preload=False)
    app = create_app(settings)
    heartbeat = Heartbeat()
    app.add_api_route("/stop", heartbeat.longest_stop)
    start = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with start(app):
            app.state.server.transcription._chunks = ReadyChunks()  # chosen in `build_state`
            beating = asyncio.create_task(heartbeat.run())
            yield
            beating.cancel()

    app.router.lifespan_context = lifespan
    serve(app, settings)


if __name__ == "__main__":
    main()
