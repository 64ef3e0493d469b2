"""TitaNet (Koluguri et al. 2022, arXiv:2110.04410): speaker embeddings of windows, and NeMo's clustering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.diarization.nemo import restore
from models import SAMPLE_RATE, Audio, Span
from options import SpeakerCount
from seams import Embeddings
from utils.speakers.voice_windows import Labels

SHORTEST = SAMPLE_RATE * 2 // 5  # the features of less have no meaningful deviation
BATCH = 64
# NeMo's diar_infer_general.yaml.
CLUSTERING = {
    "max_rp_threshold": 0.25,
    "enhanced_count_thres": 80,
    "sparse_search_volume": 10,
    "chunk_cluster_count": 50,
    "embeddings_per_chunk": 10_000,
}


class TitaNet:
    def __init__(self, network: Any) -> None:
        self._network = network

    def embed(self, stretch: Audio, windows: Sequence[Span]) -> Embeddings:
        """(n, d) unit rows, one per window; the windows are in samples of `stretch`, at most some 10 s."""
        cuts = [_pad_short(stretch[window.start : window.stop]) for window in windows]
        rows = [self._embed(cuts[start : start + BATCH]) for start in range(0, len(cuts), BATCH)]
        return np.concatenate(rows)

    def _embed(self, cuts: Sequence[Audio]) -> Embeddings:
        import torch

        device = self._network.device
        lengths = torch.tensor([len(cut) for cut in cuts], device=device)
        batch = np.zeros((len(cuts), max(map(len, cuts))), np.float32)
        for row, cut in zip(batch, cuts, strict=True):
            row[: len(cut)] = cut
        with torch.inference_mode():
            signal = torch.from_numpy(batch).to(device)
            embeddings = self._network.forward(input_signal=signal, input_signal_length=lengths)[1]
            return np.asarray(torch.nn.functional.normalize(embeddings.float()).cpu().numpy(), np.float32)

    def cluster(
        self, scales: Sequence[tuple[Embeddings, Sequence[Span]]], count: SpeakerCount, most: int
    ) -> Labels:
        """Speakers 0.. of the windows of the last scale; at most `most` unless `count` sets other bounds.

        `scales` go from long windows to short ones, each with its embeddings. Normalised maximum eigengap
        clustering (Park et al. 2020, arXiv:2003.02405); memory is quadratic in the number of windows.
        """
        labels = self._cluster(scales, count.exact, count.maximum or max(most, count.minimum))
        if len(set(labels.tolist())) < count.minimum:
            labels = self._cluster(scales, count.minimum, count.minimum)
        return np.asarray(np.unique(labels, return_inverse=True)[1], np.int64)

    def _cluster(
        self, scales: Sequence[tuple[Embeddings, Sequence[Span]]], exact: int | None, max_speakers: int
    ) -> Labels:
        import torch
        from nemo.collections.asr.parts.utils.longform_clustering import LongFormSpeakerClustering

        times = [
            (window.start / SAMPLE_RATE, window.stop / SAMPLE_RATE)
            for _, windows in scales
            for window in windows
        ]
        base = len(scales[-1][1])
        with torch.random.fork_rng(devices=[]), torch.inference_mode():  # it seeds torch globally
            labels = LongFormSpeakerClustering(cuda=False).forward_infer(
                embeddings_in_scales=torch.from_numpy(np.concatenate([rows for rows, _ in scales])),
                timestamps_in_scales=torch.tensor(times),
                multiscale_segment_counts=torch.tensor([len(windows) for _, windows in scales]),
                multiscale_weights=torch.ones((1, len(scales))),
                oracle_num_speakers=min(exact, base) if exact else -1,
                max_num_speakers=min(max_speakers, base),
                **CLUSTERING,
            )
        return labels.numpy()  # type: ignore[no-any-return]


def _pad_short(cut: Audio) -> Audio:
    return np.pad(cut, (0, max(0, SHORTEST - len(cut))), "wrap")


def load_titanet(model: str, device: str) -> TitaNet:
    """A TitaNet from a `.nemo` file or hub id. Raises ModelUnavailableError."""
    return TitaNet(restore("EncDecSpeakerLabelModel", model, device))
