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
    """`memory`, in bytes, is the growth of this process while it loaded the model, or all of the model's own
    process; `last_used` is Unix time."""

    model: str
    state: SlotState
    device: str
    memory: int | None
    last_used: float | None
