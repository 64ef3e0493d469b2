"""Which stages run where a request does not say."""

from __future__ import annotations

from dataclasses import dataclass

from options import Choice


@dataclass(frozen=True, slots=True)
class StageDefaults:
    """The operator's choice."""

    diarize: bool = True
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False
