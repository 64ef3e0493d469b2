"""Which diarizer a server takes when it is left to choose."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from services.hub_weights import has_weights


def choose_diarizer(asked: str, device: str, models: Sequence[str]) -> str:
    """`asked`, or for `auto`: `nemo` on CUDA when it and the weights of all `models` are at hand, for on a
    CPU it takes too long; else `embedded`. Asks no network."""
    if asked != "auto":
        return asked
    nemo = device == "cuda" and find_spec("nemo") is not None and all(map(has_weights, models))
    return "nemo" if nemo else "embedded"
