"""Which network with seats a model name means, and its loading."""

from __future__ import annotations

from pathlib import Path

from services.nemotron import load_nemotron
from services.seat_diarizer import SeatModel
from services.sortformer import load_sortformer


def is_nemotron(model: str) -> bool:
    """Nemotron-3-Diarization comes as a transformers folder or hub id, a Sortformer as a `.nemo`."""
    return Path(model).is_dir() or "nemotron" in model.lower()


def load_seats(model: str, device: str) -> SeatModel:
    """Raises ModelUnavailableError."""
    return load_nemotron(model, device) if is_nemotron(model) else load_sortformer(model, device)
