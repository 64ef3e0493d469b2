"""A fake of what jobs do, for the runner of jobs and for batches."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

from models import Transcript
from services.chunk_runner import Checkpoints
from utils.store.records import Job
from utils.waiting.progress import Progress


class ScriptedWork:
    """Every job says `said`; rendering the one with the id `broken` breaks off in the middle."""

    def __init__(self, said: Transcript) -> None:
        self._said = said

    def accept_line(self, endpoint: str, fields: Sequence[tuple[str, str]]) -> str:
        return ""

    async def stream(
        self, job: Job, upload: Path, workspace: Path, progress: Progress, checkpoints: Checkpoints
    ) -> AsyncGenerator[Transcript]:
        yield self._said

    def render(self, job: Job, transcript: Transcript) -> tuple[Iterator[bytes], str]:
        def blocks() -> Iterator[bytes]:
            body = json.dumps(transcript.text).encode()
            yield body[:3]
            if job.id == "broken":
                raise RuntimeError("a bug")
            yield body[3:]

        return blocks(), "application/json"
