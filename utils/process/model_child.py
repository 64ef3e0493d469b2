"""The child process of one model: `python -m utils.process.model_child PIPE MEMORY …`, two inherited
descriptors per lane."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from operator import methodcaller
from typing import Any

from exceptions import TranscriptionServerError
from utils.process.allocator import return_freed_memory
from utils.process.exchange import Exchange, Outcome


def main(*descriptors: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would contain what people said
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix with output
    pairs = zip(descriptors[::2], descriptors[1::2], strict=True)
    first, *others = (Exchange(Connection(pipe), memory) for pipe, memory in pairs)
    load, *args = first.receive()
    loaded = _attempt(load, args)
    return_freed_memory()
    _answer(first, Outcome(error=loaded.error))
    if loaded.error is None:
        for lane in others:  # daemon threads: the process ends with its first lane
            threading.Thread(target=_serve, args=(lane, loaded.value), daemon=True).start()
        _serve(first, loaded.value)


def _serve(lane: Exchange, model: object) -> None:
    """Serve calls until the parent closes the pipe."""
    try:
        with suppress(EOFError, BrokenPipeError):
            while True:
                method, *args = lane.receive()
                _answer(lane, _attempt(methodcaller(method, *args), [model]))
    except BaseException as error:
        # Whatever ends a lane ends the process, so that the parent learns of it at once: a thread would end
        # alone, and the call would seem to go on until its timeout.
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        os._exit(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1)


def _answer(lane: Exchange, outcome: Outcome) -> None:
    try:
        lane.send(outcome)
    except BrokenPipeError:
        raise
    except Exception as error:  # the value cannot be pickled, or does not fit into memory; nothing was sent
        lane.send(Outcome(error=_described(error)))


def _attempt(call: Callable[..., Any], args: list[Any]) -> Outcome:
    try:
        return Outcome(call(*args))
    except TranscriptionServerError as error:
        return Outcome(error=error)
    except Exception as error:
        return Outcome(error=_described(error))


def _described(error: Exception) -> RuntimeError:
    """An error that the parent can load: its class may be from a library that is only imported here."""
    failure = RuntimeError(f"{type(error).__name__}: {error}")
    failure.add_note(f"In the model's process:\n{traceback.format_exc()}")
    return failure


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
