"""A server of its own process with fake models, to be killed: `python -m tests.serve_fakes`.

Arguments: the port, the folder for its workspace and its data, seconds each batch takes. Every batch that the
recogniser is given is written down as its length in a file that outlives the process.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from config import Settings
from options import DecodeOptions
from seams import EncodedWindow
from server import create_app, serve
from tests.fakes import ScriptedRecogniser
from tests.servers import fake_loaders

RUNS = "runs.txt"


class WritingRecogniser(ScriptedRecogniser):
    """Notes the length in samples of every window it is given, before it starts."""

    def __init__(self, folder: Path, seconds_per_batch: float = 0.0) -> None:
        super().__init__(seconds_per_batch)
        self._log = folder / RUNS

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        with self._log.open("a") as log:
            log.writelines(f"{window.num_samples}\n" for window in windows)


@contextmanager
def killable_server(
    folder: Path, seconds_per_batch: float, prefix: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Started and ready; killed on leaving, unless it has ended. `prefix` is a command that runs it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.serve_fakes", str(port), str(folder), str(seconds_per_batch)]
    with subprocess.Popen(
        [*prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not is_up(f"{url}/health/ready"):
                assert process.poll() is None, "the server did not start"
                time.sleep(0.05)
            yield url, process
        finally:
            process.kill()


def runs(folder: Path) -> list[int]:
    """The windows that recognisers in `folder` were given, by their samples."""
    return [int(line) for line in (folder / RUNS).read_text().split()]


def is_up(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def settings_in(folder: Path, port: int = 0) -> Settings:
    """Short chunks, one window after the other, one job at a time; all that is kept lies in `folder`."""
    return Settings(
        _env_file=None,
        port=port,
        workspace_dir=folder / "work",
        data_dir=folder / "kept",
        whisper_batch_size=1,
        chunk_seconds=60,
        jobs_at_once=1,
    )


def main(port: int, folder: Path, seconds_per_batch: float) -> None:
    settings = settings_in(folder, port)
    recogniser = WritingRecogniser(folder, seconds_per_batch)
    serve(create_app(settings, fake_loaders(lambda: recogniser)), settings)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
