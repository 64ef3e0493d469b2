"""Child process: the server's own pipeline without HTTP, from the file to the text.

It imports the server's code, as `benchmarks/speed/windows.py` does: `overhead` must compare the same code.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from assembly import build_state
from benchmarks.values import Message
from benchmarks.worker import answer_requests
from config import Settings
from loaders import default_loaders
from options import DecodeOptions, TranscriptionOptions
from routes.state import ServerState
from utils.waiting.progress import Progress


async def transcribe(state: ServerState, audio: Path, language: str) -> str:
    """Runs the pipeline as a `json` request does."""
    options = TranscriptionOptions(decode=DecodeOptions(language=language))
    async with state.temp.workspace() as workspace:
        upload = workspace / audio.name
        shutil.copyfile(audio, upload)  # the pipeline deletes the upload once it is decoded
        transcript = await state.transcription.transcribe(upload, workspace, options, Progress("direct"))
    return transcript.text


def main() -> None:
    settings = Settings()
    state = build_state(settings, default_loaders(settings))
    with asyncio.Runner() as runner:

        def handle(request: Message) -> Message:
            return {"text": runner.run(transcribe(state, Path(request["audio"]), request["language"]))}

        answer_requests(handle)
        runner.run(state.close())


if __name__ == "__main__":
    main()
