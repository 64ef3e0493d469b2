"""How many transcriptions are in the house, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exceptions import OverloadedError
from utils.progress import Progress


class Admission:
    """Counts requests at the door: one too many is turned away before its upload is read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._inside: list[Progress] = []

    @contextmanager
    def enter(self, request_id: str) -> Iterator[Progress]:
        if len(self._inside) >= self.limit:
            raise OverloadedError(f"This server is working on {self.limit} transcriptions; try again soon.")
        progress = Progress(request_id)
        self._inside.append(progress)
        try:
            yield progress
        finally:
            self._inside.remove(progress)

    @property
    def inside(self) -> list[Progress]:
        return list(self._inside)
