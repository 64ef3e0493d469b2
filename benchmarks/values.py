"""Values shared by the sections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

HALVES = TUNE, HELD = ("tune", "held")
"""Of the hard set: for tuning, and held out."""

Message = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Options:
    """Without `base_url` a section starts its own server; `quick` skips the hour-long file and most of the
    hard set, of which only `halves` and the names that match the pattern `files` are measured."""

    eval_dir: Path
    base_url: str | None
    quick: bool
    halves: tuple[str, ...] = HALVES
    files: str = "*"


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker from `start` to `end`, in seconds, with the text if known."""

    start: float
    end: float
    speaker: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a response and the wall time of the request."""

    body: Message
    seconds: float
