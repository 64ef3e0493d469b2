"""The model ids that the server answers to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exceptions import ModelNotFoundError

ALIASES = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
)

SNAPSHOT = re.compile(r"gpt-[a-z0-9-]{0,20}transcribe(-[a-z0-9-]{1,30})?")  # dated names of the hosted models


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One Whisper under its own id and under the hosted names."""

    own: str
    created: int  # Unix time

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.own, *ALIASES)

    def require(self, model: str) -> str:
        """Raises ModelNotFoundError, which names those there are."""
        if model not in self.ids and not SNAPSHOT.fullmatch(model):
            raise ModelNotFoundError(
                f"The model '{model[:100]}' does not exist. This server has: {', '.join(self.ids)}.",
                param="model",
            )
        return model
