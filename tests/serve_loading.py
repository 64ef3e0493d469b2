"""A server of its own process whose models do not load: `python -m tests.serve_loading PORT FOLDER`.

The recogniser's process, whose id it notes in FOLDER/recogniser, loads for ever. The segmentation fails once
FOLDER/fail exists.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import httpx

from exceptions import ModelUnavailableError
from loaders import Loaders
from seams import Recogniser
from server import create_app, serve
from services.diarization_service import ClusteringDiarizer
from tests.fakes import LoudnessDetector, PitchEmbedder, PitchSegmenter
from tests.faulty_models import hang_while_loading
from tests.serve_fakes import settings_in
from tests.servers import wait_until
from utils.model_manager import ModelManager, ModelSource
from utils.process.model_process import in_child


@contextmanager
def loading_server(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Its port is open and the recogniser's process runs; killed on leaving, unless it has ended."""
    command = [sys.executable, "-m", "tests.serve_loading", str(port), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: process.poll() is not None or recogniser_pid(folder) is not None)
            yield process
        finally:
            process.kill()


def recogniser_pid(folder: Path) -> int | None:
    marker = folder / "recogniser"
    return int(marker.read_text() or 0) or None if marker.exists() else None


def post(port: int, file: bytes) -> httpx.Response:
    url = f"http://127.0.0.1:{port}/v1/audio/transcriptions"
    return httpx.post(url, data={"model": "whisper-1"}, files={"file": ("talk.wav", file)}, timeout=60)


def _segmenter(folder: Path) -> PitchSegmenter:
    wait_until((folder / "fail").exists)
    raise ModelUnavailableError("The weights of segmentation are damaged.")


def main(port: int, folder: Path) -> None:
    hanging = in_child(partial(hang_while_loading, folder / "recogniser"))

    def diarizer(models: ModelManager) -> ClusteringDiarizer:
        return ClusteringDiarizer(
            models.add("segmentation", ModelSource("pitch", partial(_segmenter, folder))),
            models.add("voices", ModelSource("pitch", PitchEmbedder)),
        )

    loaders = Loaders(
        ModelSource("whisper-base", lambda: cast(Recogniser, hanging())),
        ModelSource("loudness", LoudnessDetector),
        diarizer,
    )
    settings = settings_in(folder, port)
    serve(create_app(settings, loaders), settings)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
