"""Gives every call a process of its own, forked from a small one that has imported all that it needs.

Forked so, a process is there within milliseconds, and nothing of one call is left for the next. The server
itself cannot fork: its threads hold locks.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import traceback
from collections.abc import Callable

from utils.process.resources import lower_priority
from utils.process.start import start_module

# Threads of BLAS would not survive the fork, and arenas would count against its memory limit.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
MAX_DESCRIPTORS = 4  # passed to one process


class ForkServer:
    """The process that forks; started when it is first needed, and again if it ended."""

    def __init__(self, module: str) -> None:
        """`module` calls `serve` when it is run as the main module."""
        self._module = module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Blocks for the start of an interpreter, unless the process runs."""
        with self._lock:
            self._running()

    def connect(self, *descriptors: int) -> socket.socket:
        """A connection to a new process, which gets copies of `descriptors`. Blocks as `start` does."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            passed = [theirs.fileno(), *descriptors]
            try:
                socket.send_fds(self._running(), [b"1"], passed)
            except OSError:  # it has just ended
                self._end()
                socket.send_fds(self._running(), [b"1"], passed)
        return ours

    def close(self) -> None:
        """The process ends; those that it forked end when their connections close."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process and self._control:
            self._control.close()
            self._process.wait()
        self._process = self._control = None

    def _running(self) -> socket.socket:
        if self._control and self._process and self._process.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = start_module(self._module, [theirs.fileno()], ENVIRONMENT)
        self._control = ours
        return ours


def serve(control: socket.socket, work: Callable[..., None]) -> None:
    """Until `control` closes, fork a process per message and run `work(connection, *descriptors)` in it.

    A process ends when the other end of its connection closes, whatever it is doing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forked ones
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would contain what people said
    lower_priority()
    gc.collect()
    gc.freeze()  # else a collection would touch, and so copy, every page that is shared
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, MAX_DESCRIPTORS)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _run(work, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _run(work: Callable[..., None], connection: int, *descriptors: int) -> None:
    code = 1
    try:
        with socket.socket(fileno=connection) as peer:
            threading.stack_size(256 * 1024)
            threading.Thread(target=_exit_with, args=(peer,), daemon=True).start()
            work(peer, *descriptors)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # no handlers and no buffers of the parent


def _exit_with(peer: socket.socket) -> None:
    """A call into a library cannot be interrupted, but its process can end."""
    watch = select.poll()
    watch.register(peer, select.POLLHUP)
    watch.poll()
    os._exit(0)
