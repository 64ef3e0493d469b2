"""Waiting for something to change, by its name."""

from __future__ import annotations

import asyncio


class Changes:
    """Take what is to be awaited before looking at the thing, so that no change falls between."""

    def __init__(self) -> None:
        self._awaited: dict[str, asyncio.Event] = {}

    def next(self, name: str) -> asyncio.Event:
        """Set at the next change."""
        return self._awaited.setdefault(name, asyncio.Event())

    def notify(self, name: str) -> None:
        if event := self._awaited.pop(name, None):
            event.set()
