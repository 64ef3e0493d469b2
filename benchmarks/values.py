"""Values that every section uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Options:
    """Without `base_url` a section starts its own server; `quick` leaves the hour-long file out."""

    eval_dir: Path
    base_url: str | None
    quick: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker from `start` to `end`, in seconds, with the words if they are known."""

    start: float
    end: float
    speaker: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back and the wall time from asking to having it."""

    body: Message
    seconds: float
