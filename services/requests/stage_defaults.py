"""Which stages run by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from options import Choice


@dataclass(frozen=True, slots=True)
class StageDefaults:
    """The operator's settings, for requests that leave the parameter out."""

    diarize: bool | Literal["on_request"] = "on_request"
    """In verbose_json, which can show speakers and need not: always, never, or where a request asks for them
    by another parameter or by its model."""
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False
