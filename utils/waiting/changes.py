"""Change notification by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Nothing is kept of a name that nobody watches."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set at every change. Clear it before reading the state, so that no change is
        missed in between."""
        change = asyncio.Event()
        watchers = self._watchers.setdefault(name, set())
        watchers.add(change)
        try:
            yield change
        finally:
            watchers.remove(change)
            if not watchers:
                del self._watchers[name]

    def notify(self, name: str) -> None:
        for change in self._watchers.get(name, ()):
            change.set()

    def __len__(self) -> int:
        """How many names are watched."""
        return len(self._watchers)
