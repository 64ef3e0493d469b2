"""A model that can fail in many ways, for child processes: importable there, loaded by name."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from exceptions import InvalidAudioError, ShuttingDownError


class FaultyModel:
    """Works, or fails in the way of the method that is called."""

    def __init__(self) -> None:
        self._leaked: list[bytes] = []

    def double(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return samples * 2

    def process_id(self) -> int:
        return os.getpid()

    def crash(self) -> None:
        os.abort()

    def hang(self) -> None:
        time.sleep(600)

    def sleep(self, seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    def leak(self, megabytes: int) -> None:
        self._leaked.append(os.urandom(megabytes << 20))

    def refuse(self) -> None:
        raise InvalidAudioError("no")

    def fail(self) -> None:
        raise ZeroDivisionError("division by zero")

    def quit(self) -> None:
        sys.exit(3)

    def reply_with_a_lock(self) -> threading.Lock:
        return threading.Lock()

    def reply_with_what_only_the_child_can_load(self) -> object:
        return LoadableInTheChild()

    def refuse_as_shutting_down(self) -> None:
        raise ShuttingDownError

    def print_and_return(self) -> int:
        print("a library that prints")
        return 1


class LoadableInTheChild:
    def __reduce__(self) -> tuple[object, ...]:
        return _raise, ("not here",)


def _raise(message: str) -> None:
    raise LookupError(message)


def load_faulty_model() -> FaultyModel:
    return FaultyModel()


def fail_to_load() -> FaultyModel:
    raise FileNotFoundError("weights.bin")


def crash_while_loading() -> FaultyModel:
    os.kill(os.getpid(), signal.SIGSEGV)
    return FaultyModel()


def crash_in_the_first_load(marker: Path) -> FaultyModel:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return FaultyModel()


def hang_while_loading(marker: Path) -> FaultyModel:
    marker.write_text(str(os.getpid()))
    time.sleep(600)
    return FaultyModel()
