"""Which diarizer a server takes when it is left to choose, and which network a model's name means."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from backends.diarization.nemotron import load_nemotron
from backends.diarization.sortformer import load_sortformer
from backends.hub import has_weights
from seams import SeatModel


def choose_diarizer(asked: str, device: str, models: Sequence[str]) -> str:
    """`asked`, or for `auto`: `nemo` on CUDA when it and the weights of all `models` are at hand, for on a
    CPU it takes too long; else `embedded`. Asks no network."""
    if asked != "auto":
        return asked
    nemo = device == "cuda" and find_spec("nemo") is not None and all(map(has_weights, models))
    return "nemo" if nemo else "embedded"


def is_nemotron(model: str) -> bool:
    """Nemotron-3-Diarization comes as a transformers folder or hub id, a Sortformer as a `.nemo`."""
    return Path(model).is_dir() or "nemotron" in model.lower()


def load_seats(model: str, device: str) -> SeatModel:
    """Raises ModelUnavailableError."""
    return load_nemotron(model, device) if is_nemotron(model) else load_sortformer(model, device)
