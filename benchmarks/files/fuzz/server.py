"""Starts the server without models, and counts what requests have left behind."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.files.fuzz.process_tree import PROC, descendants
from benchmarks.server_process import ServerProcess

PROGRAM = ("-m", "benchmarks.files.fuzz.stub_server")
TRACEBACK = "Traceback (most recent call last)"
SHOWN_LOG = 1500  # characters
IDLE_SECONDS = 120.0
SETTLING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FuzzServer:
    """`folder` holds its workspaces, in `work`, and its temporary files, in `tmp`."""

    process: ServerProcess
    folder: Path

    @property
    def base_url(self) -> str:
        return self.process.base_url

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_idle(self) -> None:
        """Returns early if the server has ended, or after IDLE_SECONDS."""
        deadline = time.monotonic() + IDLE_SECONDS
        with suppress(httpx.TransportError):
            while time.monotonic() < deadline and self._num_requests():
                time.sleep(0.1)

    def leftovers(self) -> dict[str, int]:
        """How many there are of each thing that requests may leave behind."""
        return {
            "workspaces": len(list((self.folder / "work").glob("*/*/"))),
            "temporary files": sum(1 for _ in (self.folder / "tmp").rglob("*")),
            "processes": sum(1 for _ in descendants(self.pid)),
            "deleted files still open": len(list(self._deleted_files())),
            "tracebacks in the log": self.process.log().count(TRACEBACK),
        }

    def leftovers_since(self, before: dict[str, int]) -> dict[str, int]:
        """What there is now, once no more than before is left or it has had SETTLING_SECONDS to go."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while True:
            left = self.leftovers()
            is_clean = all(count <= before[name] for name, count in left.items())
            if is_clean or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def first_traceback(self) -> str:
        """The log from a little before it on."""
        log = self.process.log()
        found = log.find(TRACEBACK)
        return log[max(0, found - 100) : found + SHOWN_LOG].strip() if found >= 0 else ""

    def _num_requests(self) -> int:
        state = httpx.get(f"{self.base_url}/health/ready", timeout=IDLE_SECONDS).json()
        requests = state["requests"]
        return len(requests) if isinstance(requests, list) else int(requests)

    def _deleted_files(self) -> Iterator[str]:
        """Spooled uploads have no name, so only their descriptors show them."""
        for descriptor in (PROC / str(self.pid) / "fd").glob("*"):
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith(str(self.folder)) and target.endswith("(deleted)"):
                    yield target


@contextmanager
def fuzz_server() -> Iterator[FuzzServer]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        places = {"TMPDIR": str(folder / "tmp"), "WORKSPACE_DIR": str(folder / "work")}
        with ServerProcess.running(PROGRAM, False, LOG_LEVEL="warning", **places) as process:
            yield FuzzServer(process, folder)
