"""The model ids that the server accepts."""

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

# Model sizes of faster-whisper, and the models that its authors publish on the Hub.
SIZES = (
    "tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium",
    "large-v1", "large-v2", "large-v3", "large", "distil-large-v2", "distil-medium.en", "distil-small.en",
    "distil-large-v3", "distil-large-v3.5", "large-v3-turbo", "turbo",
)  # fmt: skip
HUB_ID = re.compile(r"Systran/faster-(distil-)?whisper-[A-Za-z0-9.-]{1,40}")


def is_hosted(model: str) -> bool:
    """Whether `model` is a name of the hosted API, an alias of the server's own model."""
    return model in ALIASES or SNAPSHOT.fullmatch(model) is not None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The server's own Whisper under its id and the hosted names, and the models loadable beside it."""

    own: str
    created: int  # Unix time
    installed: tuple[str, ...] = ()
    downloads: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        others = (*self.installed, *(SIZES if self.downloads else ()))
        return tuple(dict.fromkeys((self.own, *ALIASES, *others)))

    def require(self, model: str) -> str:
        """Raises ModelNotFoundError, which lists the available ids."""
        on_the_hub = self.downloads and HUB_ID.fullmatch(model)
        if model not in self.ids and not is_hosted(model) and not on_the_hub:
            hint = "" if self.downloads else " Its operator can allow others with ALLOW_MODEL_DOWNLOADS."
            raise ModelNotFoundError(
                f"The model '{model[:100]}' does not exist. This server has: {', '.join(self.ids)}.{hint}",
                param="model",
            )
        return model
