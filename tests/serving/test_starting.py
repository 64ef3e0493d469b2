"""The port opens at once; models load behind it, side by side."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
import pytest

from loaders import Loaders
from tests.client import post, settings
from tests.fakes import LoudnessDetector, ScriptedRecogniser
from tests.recordings import tone, wav
from tests.serve_loading import loading_server, recogniser_pid
from tests.serve_loading import post as post_to
from tests.servers import RunningServer, running_server, wait_until
from utils.model_manager import ModelSource

M = TypeVar("M")


class GatedLoads:
    """Loads that have begun, and wait at a gate."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.gate = threading.Event()

    def loaders(self) -> Loaders:
        return Loaders(
            ModelSource("whisper-base", self._gated("whisper", ScriptedRecogniser)),
            ModelSource("loudness", self._gated("speech", LoudnessDetector)),
        )

    def _gated(self, name: str, load: Callable[[], M]) -> Callable[[], M]:
        def wait_and_load() -> M:
            self.begun.add(name)
            assert self.gate.wait(30)
            return load()

        return wait_and_load


@pytest.fixture
def loads() -> GatedLoads:
    return GatedLoads()


@pytest.fixture
def server(tmp_path: Path, loads: GatedLoads) -> Iterator[RunningServer]:
    with running_server(settings(tmp_path), loads.loaders(), until_loaded=False) as server:
        try:
            wait_until(lambda: len(loads.begun) == 2)
            yield server
        finally:
            loads.gate.set()


def readiness(server: RunningServer) -> httpx.Response:
    return httpx.get(f"{server.url}/health/ready")


def test_a_server_is_alive_before_it_is_ready(server: RunningServer, loads: GatedLoads) -> None:
    """Both models have begun to load, so neither waits for the other."""
    assert httpx.get(f"{server.url}/health").status_code == 200
    loading = readiness(server)
    assert (loading.status_code, loading.json()["status"]) == (503, "loading")
    for model in loading.json()["models"].values():
        assert model["state"] == "loading"
        assert 0 <= model["loading_seconds"] < 60
    loads.gate.set()
    wait_until(lambda: readiness(server).status_code == 200)
    ready = readiness(server).json()
    assert ready["status"] == "ready"
    assert {(m["state"], m["loading_seconds"]) for m in ready["models"].values()} == {("loaded", None)}


def test_a_request_waits_for_the_models(server: RunningServer, loads: GatedLoads) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, server, wav(tone(2.0)))
        wait_until(lambda: readiness(server).json()["requests"] == 1)
        assert not answer.done()
        loads.gate.set()
        assert answer.result().json()["text"] == "w w"


def test_a_job_begins_once_the_models_are_loaded(server: RunningServer, loads: GatedLoads) -> None:
    job = post(server, wav(tone(2.0)), background="true", diarize="false").json()
    address = f"{server.url}/v1/audio/transcriptions/{job['id']}"
    assert httpx.get(address).json()["status"] == "queued"
    loads.gate.set()
    wait_until(lambda: httpx.get(address).json()["status"] == "completed")


def test_models_that_are_loaded_on_first_use_leave_the_server_ready(
    tmp_path: Path, loads: GatedLoads
) -> None:
    with running_server(settings(tmp_path, preload=False), loads.loaders()) as server:
        assert readiness(server).status_code == 200
    assert not loads.begun


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


def test_a_model_that_cannot_be_loaded_ends_the_server(tmp_path: Path, port: int) -> None:
    """In one line, and with an answer for whoever waits for another model."""
    with loading_server(tmp_path, port) as process, ThreadPoolExecutor() as pool:
        answer = pool.submit(post_to, port, wav(tone(2.0)))
        url = f"http://127.0.0.1:{port}/health/ready"
        wait_until(lambda: httpx.get(url).json()["requests"] == 1)
        (tmp_path / "fail").touch()
        assert answer.result().status_code == 503
        assert answer.result().json()["error"]["code"] == "server_shutting_down"
        assert process.stderr
        said = process.stderr.read()
        assert said.splitlines()[-1] == "Cannot start: The weights of segmentation are damaged."
        assert "Traceback" not in said
        assert process.wait(10) == 1
    assert not psutil.pid_exists(recogniser_pid(tmp_path) or 0)


def test_a_server_that_is_terminated_stops_loading(tmp_path: Path, port: int) -> None:
    with loading_server(tmp_path, port) as process, ThreadPoolExecutor() as pool:
        answer = pool.submit(post_to, port, wav(tone(2.0)))
        url = f"http://127.0.0.1:{port}/health/ready"
        wait_until(lambda: httpx.get(url).json()["requests"] == 1)
        process.terminate()
        assert answer.result().json()["error"]["code"] == "server_shutting_down"
        (tmp_path / "fail").touch()  # a load in a thread must end before its process can
        assert process.wait(10) == -signal.SIGTERM
    assert not psutil.pid_exists(recogniser_pid(tmp_path) or 0)


def test_nothing_is_loaded_when_the_port_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with loading_server(tmp_path, other.getsockname()[1]) as process:
            assert process.wait(10) != 0
            assert process.stderr
            assert "address already in use" in process.stderr.read()
    assert recogniser_pid(tmp_path) is None
