"""Runs the server as a child process, waits until it is ready and samples its memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.worker import ROOT

HOST = "127.0.0.1"
SERVER = ("server.py",)
READY_SECONDS = 180.0
POLL_SECONDS = 0.05
STOP_SECONDS = 20.0
SAMPLES_PER_SECOND = 5
LOG_TAIL = 2000  # characters of the log shown if the server does not become ready


class ServerProcess:
    """One `server.py`, or another program, on a free port; its memory is sampled from start to stop."""

    def __init__(self) -> None:
        self.base_url = ""
        self.peak_rss = 0
        self.listening_seconds = self.ready_seconds = 0.0  # since the start of the process
        self._workspaces = Path()
        self._log = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    @classmethod
    @contextmanager
    def running(
        cls, program: Sequence[str] = SERVER, sample_memory: bool = True, /, **settings: str
    ) -> Iterator[ServerProcess]:
        """Runs `program`, which must read HOST and PORT, with `settings` added to the environment. Sampling
        memory costs a few percent of a core."""
        server = cls()
        with tempfile.TemporaryDirectory() as folder:
            try:
                server._start(program, Path(folder), settings)
                if sample_memory:
                    server._sampler.start()
                server._wait_until_ready()
                yield server
            finally:
                server._stop()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def is_running(self) -> bool:
        assert self._process
        return self._process.poll() is None

    def rss(self) -> int:
        """Current resident bytes of the server and its children, shared pages counted in each process."""
        assert self._process
        try:
            parent = psutil.Process(self._process.pid)
            return sum(_resident(process) for process in [parent, *parent.children(recursive=True)])
        except psutil.NoSuchProcess:
            return 0

    def cpu_seconds(self) -> float:
        """Of the server and its children so far."""
        return cpu_seconds(self.pid)

    def workspaces(self) -> list[str]:
        """Request workspaces currently on disk."""
        return [path.name for path in self._workspaces.glob("*/*/")]

    def log(self) -> str:
        """The server's output so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """Sends SIGKILL, to simulate a crash; the server's children notice and exit."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def _start(self, program: Sequence[str], folder: Path, settings: dict[str, str]) -> None:
        self._workspaces = folder / "work"
        self._log = folder / "server.log"
        port = free_port()
        self.base_url = f"http://{HOST}:{port}"
        own = {"HOST": HOST, "PORT": str(port), "DATA_DIR": str(folder / "data"), "RESULT_CACHE_MB": "0"}
        environment = {**os.environ, **own, "WORKSPACE_DIR": str(self._workspaces), **settings}
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *program],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _wait_until_ready(self) -> None:
        assert self._process
        started = time.monotonic()
        while (waited := time.monotonic() - started) < READY_SECONDS and self._process.poll() is None:
            status = _readiness(self.base_url)
            if status and not self.listening_seconds:
                self.listening_seconds = waited
            if status == httpx.codes.OK:
                self.ready_seconds = waited
                return
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"the server did not become ready:\n{self.log()[-LOG_TAIL:]}")

    def _sample(self) -> None:
        while not self._stopping.wait(1 / SAMPLES_PER_SECOND):
            self.peak_rss = max(self.peak_rss, self.rss())

    def _stop(self) -> None:
        if self._process is None:
            return
        self._stopping.set()
        if self._sampler.is_alive():
            self._sampler.join()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def serving(base_url: str | None) -> Iterator[str]:
    """Yields the base URL of a running server: the given one, or one started here without memory sampling."""
    if base_url:
        yield base_url
        return
    with ServerProcess.running(SERVER, False) as server:
        yield server.base_url


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children have taken so far."""
    parent = psutil.Process(pid)
    times = (process.cpu_times() for process in [parent, *parent.children(recursive=True)])
    return float(sum(each.user + each.system for each in times))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _readiness(base_url: str) -> int:
    """The status of `/health/ready`; 0 while nothing listens."""
    try:
        return httpx.get(f"{base_url}/health/ready", timeout=5).status_code
    except httpx.TransportError:
        return 0


def _resident(process: psutil.Process) -> int:
    try:
        resident: int = process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return resident
