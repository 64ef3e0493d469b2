"""The two ways to spell a session: that of the current API and that of its beta."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.requests.live_session import LiveRequest

OBJECT = "realtime.transcription_session"


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a client is told of its session; `expires_at` is Unix time."""

    id: str
    request: LiveRequest
    expires_at: int | None = None
    stored_as: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    created: str
    """The type of the first event."""
    item_events: tuple[str, ...]
    """The types of the events that tell of a new item."""
    changes: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """The session of an update as `LiveSettings` has it."""
    session: Callable[[SessionView], dict[str, Any]]
    param: Callable[[str], str]
    """The name of a field of `LiveSettings` as the client sends it."""
