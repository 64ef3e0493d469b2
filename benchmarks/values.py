"""Values shared by the sections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Options:
    """Without `base_url` a section starts its own server; `quick` skips the hour-long file."""

    eval_dir: Path
    base_url: str | None
    quick: bool


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
