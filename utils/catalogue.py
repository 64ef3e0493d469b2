"""The model ids that the server accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exceptions import ModelNotFoundError
from utils.model_names import HOSTED, SIZES, hosted_name, published_size

HUB_ID = re.compile(r"Systran/faster-(distil-)?whisper-[A-Za-z0-9.-]{1,40}")  # of faster-whisper's authors


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The server's own Whisper under its id and the hosted names, and the models loadable beside it."""

    own: str
    created: int  # Unix time
    installed: tuple[str, ...] = ()
    downloads: bool = False
    extras: bool = True
    """Whether a model may be loaded beside the server's own."""
    own_is_published: bool = True
    """Whether `own` is the model that OpenAI published under this name: a folder may hold any weights."""

    @property
    def ids(self) -> tuple[str, ...]:
        """One id for each model, and the hosted names."""
        return (self.own, *(name for name in HOSTED if name != self.own), *self._others.values())

    def require(self, model: str) -> str:
        """The id of a model by any of its names. Raises ModelNotFoundError, which lists the available ids."""
        if model == self.own:
            return model
        if hosted := hosted_name(model):
            return hosted
        size = published_size(model)
        if size and size == self._own_size:
            return self.own
        if size in self._others:
            return self._others[size]
        if self.extras and self.downloads and HUB_ID.fullmatch(model):
            return model
        ids = ", ".join(self.ids)
        raise ModelNotFoundError(
            f"The model '{model[:100]}' does not exist. This server has: {ids}.{self._hint}", param="model"
        )

    @property
    def _hint(self) -> str:
        if not self.extras and (self.installed or self.downloads):
            return " Its operator allows no others beside them (MAX_EXTRA_MODELS is 0)."
        return "" if self.downloads else " Its operator can allow others with ALLOW_MODEL_DOWNLOADS."

    @property
    def _own_size(self) -> str | None:
        return published_size(self.own) if self.own_is_published else None

    @property
    def _others(self) -> dict[str, str]:
        """Size to id, embedded models before downloads: no model is listed that the server would refuse."""
        found: dict[str, str] = {}
        if not self.extras:
            return found
        for model in (*self.installed, *(SIZES if self.downloads else ())):
            size = published_size(model)
            if size and size != self._own_size and model != self.own:
                found.setdefault(size, model)
        return found
