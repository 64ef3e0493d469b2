"""The child process of one model: `python -m utils.model_child PIPE MEMORY`, two inherited descriptors."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from exceptions import TranscriptionServerError
from utils.exchange import Exchange, Outcome


def main(pipe: int, memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold what people said
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print must not write into an answer
    exchange = Exchange(Connection(pipe), memory)
    load, *args = exchange.receive()
    loaded = _attempt(load, args)
    exchange.send(Outcome(error=loaded.error))
    while loaded.error is None:
        try:
            method, *args = exchange.receive()
        except EOFError:
            return
        exchange.send(_attempt(getattr(loaded.value, method), args))


def _attempt(call: Callable[..., Any], args: list[Any]) -> Outcome:
    try:
        return Outcome(call(*args))
    except TranscriptionServerError as error:
        return Outcome(error=error)
    except Exception as error:  # its class may lie in a library that the parent never imports
        failure = RuntimeError(f"{type(error).__name__}: {error}")
        failure.add_note(f"In the model's process:\n{traceback.format_exc()}")
        return Outcome(error=failure)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
