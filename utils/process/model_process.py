"""Runs a model in a child process, for libraries that abort, hang, leak or alter their process.

Its methods are called as if it were local, so a slot runs it like any other model.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from exceptions import ModelCrashedError, ModelFailedError
from utils.process.exchange import Exchange
from utils.process.start import start_module

M = TypeVar("M")

LOAD_SECONDS = 1800.0  # including a first download
CALL_SECONDS = 300.0
EXIT_SECONDS = 5.0


def in_child(load: Callable[[], M], call_seconds: float = CALL_SECONDS, lanes: int = 1) -> Callable[[], M]:
    """A source of the same model in a child process, which takes `lanes` calls at once and is loaded by the
    slot; `load` must be importable there.

    A call that takes longer than `call_seconds` kills the process and raises ModelFailedError; the other
    calls in flight when the process ends raise ModelCrashedError.
    """
    return lambda: cast(M, ModelProcess(load, call_seconds, lanes))


class ModelProcess:
    """Proxy of the model in the child; arguments and results are pickled, arrays pass in shared memory."""

    def __init__(self, load: Callable[[], Any], call_seconds: float = CALL_SECONDS, lanes: int = 1) -> None:
        """Starts the process; `load_model` comes next, apart, so that another thread can end it meanwhile."""
        self._load = load
        self._call_seconds = call_seconds
        self._process, exchanges = _start(lanes)
        self._lanes = lanes
        self._idle = SimpleQueue[Exchange]()  # FIFO: the child expects the load on its first lane
        for exchange in exchanges:
            self._idle.put(exchange)

    def load_model(self) -> None:
        """Blocks. Raises what the loader raises, and ModelCrashedError if the process ends meanwhile; it is
        closed then."""
        try:
            self._call(LOAD_SECONDS, self._load)
        except BaseException:
            self.close()
            raise

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return partial(self._call, self._call_seconds, method)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the load or the calls in flight, from another thread: they raise ModelCrashedError."""
        self._process.kill()

    def close(self) -> None:
        """Let the calls in flight finish, then end the child, by force only if it does not exit; its memory
        goes back to the system."""
        # A lane is idle once its call has ended. The child exits when the pipe of its first lane closes.
        for _ in range(self._lanes):
            self._idle.get().close()
        self._end()

    def _call(self, seconds: float, *message: object) -> Any:
        exchange = self._idle.get()
        try:
            exchange.send(message)
            if not exchange.poll(seconds):
                self._process.kill()
                raise ModelFailedError(f"The model took longer than {seconds:g} s and was stopped.")
            outcome = exchange.receive()
        except (EOFError, OSError) as error:
            raise ModelCrashedError(f"The model process ended {self._cause()}.") from error
        finally:
            self._idle.put(exchange)  # of a dead child too: `close` waits for every lane
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def _cause(self) -> str:
        code = self._end()
        return f"with {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"

    def _end(self) -> int:
        """Wait for the child, then kill it; returns the exit status."""
        try:
            return self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _start(lanes: int) -> tuple[subprocess.Popen[bytes], Sequence[Exchange]]:
    exchanges: list[Exchange] = []
    inherited: list[int] = []
    with ExitStack() as stack:
        for _ in range(lanes):
            parent_end, child_end = socket.socketpair()
            exchanges.append(Exchange(Connection(parent_end.detach()), memory := _anonymous_memory()))
            inherited += [stack.enter_context(child_end).fileno(), memory]
        process = start_module("utils.process.model_child", inherited)
    return process, exchanges


def _anonymous_memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("model")
    with tempfile.TemporaryFile() as file:  # macOS has no memfd
        return os.dup(file.fileno())
