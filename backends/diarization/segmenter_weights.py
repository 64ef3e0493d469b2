"""The weights of segmentation-3.0 as its graph takes them (`tests/graphs/segmentation.py` builds it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]

LOWEST, NARROWEST = 50, 50  # Hz: minimum edge and width of a learnt band-pass
LSTM_LAYERS = 4
DIRECTIONS = ("", "_reverse")


def prepare(weights: Weights) -> dict[str, Floats]:
    """From those of the published checkpoint."""
    prepared = {"filters": _band_passes(weights)}
    for name in ("wav_norm1d", "norm1d.0", "norm1d.1", "norm1d.2"):
        for part in ("weight", "bias"):
            prepared[f"{name}.{part}"] = weights[f"sincnet.{name}.{part}"]
    for layer in (1, 2):
        prepared[f"conv.{layer}.weight"] = weights[f"sincnet.conv1d.{layer}.weight"][:, :, None]
        prepared[f"conv.{layer}.bias"] = weights[f"sincnet.conv1d.{layer}.bias"]
    for layer in range(LSTM_LAYERS):
        for ours, theirs in (("input", "weight_ih"), ("recurrent", "weight_hh")):
            prepared[f"lstm.{layer}.{ours}"] = _directions(weights, theirs, layer)
        biases = [_directions(weights, name, layer) for name in ("bias_ih", "bias_hh")]
        prepared[f"lstm.{layer}.bias"] = np.concatenate(biases, axis=1)
    for name in ("linear.0", "linear.1", "classifier"):
        prepared[f"{name}.weight"] = weights[f"{name}.weight"].T
        prepared[f"{name}.bias"] = weights[f"{name}.bias"]
    return {name: np.ascontiguousarray(array, np.float32) for name, array in prepared.items()}


def _directions(weights: Weights, name: str, layer: int) -> Floats:
    """(2, 512, ...): both directions, with the gates in the order of ONNX."""
    return np.stack([_gates(weights[f"lstm.{name}_l{layer}{direction}"]) for direction in DIRECTIONS])


def _gates(rows: Floats) -> Floats:
    """Input, forget, cell, output as in torch to input, output, forget, cell as in ONNX."""
    into, forget, cell, out = np.split(rows, 4)
    return np.concatenate([into, out, forget, cell])


def _band_passes(weights: Weights) -> Floats:
    """(80, 1, 1, 251) even and odd band-pass filters (Pariente et al. 2020, arXiv:1910.10400)."""
    low_hz, band_hz, times, taper = (
        weights[f"sincnet.conv1d.0.filterbank.{name}"] for name in ("low_hz_", "band_hz_", "n_", "window_")
    )
    low = LOWEST + np.abs(low_hz)
    high = np.clip(low + NARROWEST + np.abs(band_hz), LOWEST, SAMPLE_RATE / 2)
    band = high - low
    even = (np.sin(high @ times) - np.sin(low @ times)) / (times / 2) * taper
    odd = (np.cos(low @ times) - np.cos(high @ times)) / (times / 2) * taper
    filters = np.concatenate(
        [
            np.concatenate([even, 2 * band, even[:, ::-1]], axis=1),
            np.concatenate([odd, np.zeros_like(band), -odd[:, ::-1]], axis=1),
        ]
    ) / np.tile(2 * band, (2, 1))
    return np.asarray(filters[:, None, None], np.float32)
