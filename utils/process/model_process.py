"""A model in a child process, for libraries that abort, hang, leak or change the process they run in.

Its methods are called as if it were here, so a slot runs it like any other model.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from exceptions import ModelCrashedError, ModelFailedError
from utils.process.exchange import Exchange

M = TypeVar("M")

ROOT = Path(__file__).parents[2]  # what the child imports our modules from
LOAD_SECONDS = 1800.0  # a first download is part of loading
CALL_SECONDS = 300.0
PARTING_SECONDS = 5.0


def in_child(load: Callable[[], M], call_seconds: float = CALL_SECONDS, lanes: int = 1) -> Callable[[], M]:
    """A loader of the same model in a process of its own, which takes as many calls at once as it has
    `lanes`; `load` must be importable there.

    A call that takes longer than `call_seconds` ends the process and raises ModelFailedError; all that were
    in hand when the process ended raise ModelCrashedError.
    """
    return lambda: cast(M, ModelProcess(load, call_seconds, lanes))


class ModelProcess:
    """Stands for the model in the child; arguments and results are pickled, arrays shared."""

    def __init__(self, load: Callable[[], Any], call_seconds: float = CALL_SECONDS, lanes: int = 1) -> None:
        self._call_seconds = call_seconds
        self._process, exchanges = _start(lanes)
        self._lanes = lanes
        self._idle = SimpleQueue[Exchange]()  # first in, first out: the child loads on its first lane
        for exchange in exchanges:
            self._idle.put(exchange)
        try:
            self._ask(LOAD_SECONDS, load)
        except BaseException:
            self.close()
            raise

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return partial(self._ask, self._call_seconds, method)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the calls in hand, from another thread: they raise ModelCrashedError."""
        self._process.kill()

    def close(self) -> None:
        """End the child after the calls in hand, politely at first; its memory goes back to the system."""
        for _ in range(self._lanes):
            self._idle.get().close()
        self._end()

    def _ask(self, seconds: float, *message: object) -> Any:
        exchange = self._idle.get()
        try:
            exchange.send(message)
            if not exchange.answered(seconds):
                self._process.kill()
                raise ModelFailedError(f"The model took longer than {seconds:g} s and was stopped.")
            outcome = exchange.receive()
        except (EOFError, OSError) as error:
            raise ModelCrashedError(f"The process of the model ended {self._cause()}.") from error
        finally:
            self._idle.put(exchange)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def _cause(self) -> str:
        code = self._end()
        return f"with {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"

    def _end(self) -> int:
        """The exit status, after a while or by force."""
        try:
            return self._process.wait(PARTING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _start(lanes: int) -> tuple[subprocess.Popen[bytes], Sequence[Exchange]]:
    """A fresh interpreter: a fork would take threads' locks along, multiprocessing the main module."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    exchanges: list[Exchange] = []
    inherited: list[int] = []
    with ExitStack() as stack:
        for _ in range(lanes):
            ours, theirs = socket.socketpair()
            exchanges.append(Exchange(Connection(ours.detach()), memory := _nameless_memory()))
            inherited += [stack.enter_context(theirs).fileno(), memory]
        process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours, numbers
            [sys.executable, "-P", "-m", "utils.process.model_child", *map(str, inherited)],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
    return process, exchanges


def _nameless_memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("model")
    with tempfile.TemporaryFile() as file:  # macOS has none
        return os.dup(file.fileno())
