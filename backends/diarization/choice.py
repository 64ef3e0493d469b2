"""Selects the diarization backend for `auto`, and the network that a model name refers to."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from backends.diarization.nemotron import load_nemotron
from backends.diarization.sortformer import load_sortformer
from backends.hub import has_weights
from seams import SeatModel


def choose_diarizer(requested: str, device: str, models: Sequence[str]) -> str:
    """`requested`, or for `auto`: `nemo` on CUDA if it and the weights of all `models` are present, as it is
    too slow on a CPU; else `embedded`. Makes no network request."""
    if requested != "auto":
        return requested
    nemo = device == "cuda" and find_spec("nemo") is not None and all(map(has_weights, models))
    return "nemo" if nemo else "embedded"


def is_nemotron(model: str) -> bool:
    """Nemotron-3-Diarization is a transformers folder or hub id, a Sortformer is a `.nemo`."""
    return Path(model).is_dir() or "nemotron" in model.lower()


def load_seats(model: str, device: str) -> SeatModel:
    """Raises ModelUnavailableError."""
    return load_nemotron(model, device) if is_nemotron(model) else load_sortformer(model, device)
