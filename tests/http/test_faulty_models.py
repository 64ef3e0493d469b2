"""Models that throw, hang and crash in the middle of a request: that one fails, the others are served."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from config import Settings
from options import DecodeOptions
from seams import EncodedWindow
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server
from utils.model_manager import ModelSource
from utils.process.model_process import in_child

CALL_SECONDS = 4.0
TALK = wav(tone(2.0))


class FaultyRecogniser(ScriptedRecogniser):
    """Fails in the way that a prompt names."""

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        match options[0].prompt:
            case "hang":
                time.sleep(600)
            case "crash":
                os.abort()
            case "throw":
                raise ZeroDivisionError("a bug")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Its recogniser is in a process of its own, as the real one is."""
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    faulty = ModelSource("faulty", in_child(FaultyRecogniser, CALL_SECONDS))
    with running_server(settings, replace(fake_loaders(), recogniser=faulty)) as running:
        yield running


def post(url: str, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1", "language": "en"} | fields
    files = {"file": ("talk.wav", TALK)}
    return httpx.post(f"{url}/v1/audio/transcriptions", data=data, files=files, timeout=60)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("hang", "model_failed", "longer than 4 s"),
        ("crash", "model_failed", "SIGABRT"),
        ("throw", None, "log"),
    ],
)
def test_the_failing_request_gets_an_error_and_the_others_are_served(
    server: RunningServer, fault: str, code: str | None, said: str
) -> None:
    with ThreadPoolExecutor() as pool:
        failing = pool.submit(post, server.url, prompt=fault)
        others = [future.result() for future in [pool.submit(post, server.url) for _ in range(3)]]
    error = failing.result().json()["error"]
    assert failing.result().status_code == 500
    assert (error["code"], error["type"]) == (code, "server_error")
    assert said in error["message"]
    assert [answer.json().get("text") for answer in others] == ["w w"] * 3
