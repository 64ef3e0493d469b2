"""Change notification by name."""

from __future__ import annotations

import asyncio


class Changes:
    """Get the event before reading the state, so that no change is missed in between."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def next(self, name: str) -> asyncio.Event:
        """An event that is set at the next change."""
        return self._events.setdefault(name, asyncio.Event())

    def notify(self, name: str) -> None:
        if event := self._events.pop(name, None):
            event.set()
