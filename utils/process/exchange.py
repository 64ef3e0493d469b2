"""Passes objects between parent and child: arrays through shared memory, the rest over a pipe."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call, or its error."""

    value: Any = None
    error: Exception | None = None


class Exchange:
    """One end. A sender waits for the answer before it sends again, so the memory has one writer at a time.

    The memory is an anonymous file: it is freed with its last holder, however that one dies, and is not
    subject to Docker's limit on /dev/shm.
    """

    def __init__(self, pipe: Connection, memory: int) -> None:
        self._pipe = pipe
        self._memory = memory  # file descriptor

    def send(self, value: object) -> None:
        """Raises OSError once the other end is closed."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        os.ftruncate(self._memory, 0)  # frees the memory of the previous message
        sizes: list[int] = []
        for buffer in buffers:
            with buffer.raw() as raw:
                os.pwrite(self._memory, raw, sum(sizes))
                sizes.append(raw.nbytes)
        self._pipe.send_bytes(pickle.dumps((sizes, body)))

    def receive(self) -> Any:
        """Blocks. Arrays are copies, free to change and keep. Raises EOFError once the other end closes."""
        sizes, body = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - both ends are this program
        buffers, position = [], 0
        for size in sizes:
            buffers.append(bytearray(size))
            position += os.preadv(self._memory, buffers[-1:], position)
        return pickle.loads(body, buffers=buffers)  # noqa: S301

    def poll(self, seconds: float) -> bool:
        """Whether a message arrived, or the other end closed, within `seconds`."""
        return self._pipe.poll(seconds)

    def close(self) -> None:
        if not self._pipe.closed:
            self._pipe.close()
            os.close(self._memory)
