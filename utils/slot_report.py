"""The state of a model slot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SlotState(StrEnum):
    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SlotReport:
    """`memory`, in bytes, is the growth of this process while it loaded the model, and others at the same
    time, or all of the model's own process; `last_used` is Unix time; `loading_seconds` is the time since the
    load began, for a model that is loading."""

    model: str
    state: SlotState
    device: str
    memory: int | None
    last_used: float | None
    loading_seconds: float | None = None
