"""Runs a reference system in a child process, so that its memory and threads are separate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.values import Answer, Message

ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """Runs `python -m module`, which must call `answer_requests`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def request(self, **fields: Any) -> Answer:
        """Sends one request and waits for its answer. Raises `RuntimeError` if the child has exited."""
        assert self._process.stdin
        assert self._process.stdout
        started = time.perf_counter()
        self._process.stdin.write(json.dumps(fields) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with status {self._process.wait()}")
        return Answer(json.loads(line), time.perf_counter() - started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._process.kill()
        self._process.communicate()


def answer_requests(handle: Callable[[Message], Message]) -> None:
    """Runs in the child: one JSON line out for each JSON line in, until standard input ends."""
    # Model libraries print to standard output; only answers may reach the parent.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            answers.write(json.dumps(handle(json.loads(line))) + "\n")
            answers.flush()
