"""Which stages run by default."""

from __future__ import annotations

from dataclasses import dataclass

from options import Choice


@dataclass(frozen=True, slots=True)
class StageDefaults:
    """The operator's settings, for requests that leave the parameter out."""

    diarize: bool = True
    separate_vocals: Choice = False
    align: bool = False
    restore_punctuation: bool = False
