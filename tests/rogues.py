"""Models that misbehave, for child processes: importable there, loaded by name."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import numpy.typing as npt

from exceptions import InvalidAudioError


class Rogue:
    """Works well until it is told otherwise."""

    def __init__(self) -> None:
        self._hoard: list[bytes] = []

    def double(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return samples * 2

    def where(self) -> int:
        return os.getpid()

    def crash(self) -> None:
        os.abort()

    def hang(self) -> None:
        time.sleep(600)

    def sleep(self, seconds: float) -> str:
        time.sleep(seconds)
        return "rested"

    def leak(self, megabytes: int) -> None:
        self._hoard.append(os.urandom(megabytes << 20))

    def refuse(self) -> None:
        raise InvalidAudioError("no")

    def fail(self) -> None:
        raise ZeroDivisionError("nought")

    def quit(self) -> None:
        sys.exit(3)

    def chatter(self) -> int:
        print("a library that prints")
        return 1


def load_rogue() -> Rogue:
    return Rogue()


def load_nothing() -> Rogue:
    raise FileNotFoundError("weights.bin")


def die_loading() -> Rogue:
    os.kill(os.getpid(), signal.SIGSEGV)
    return Rogue()
