"""The graph of pyannote's segmentation-3.0 (Plaquet and Bredin 2023, arXiv:2310.13025)."""

from __future__ import annotations

from onnx import ModelProto

from backends.diarization.segmenter_weights import LSTM_LAYERS
from tests.graphs.builder import GraphBuilder
from utils.speakers.local_speakers import CLASSES, WINDOW, WINDOW_FRAMES

FILTERS, CHANNELS, HIDDEN, WIDE = 80, 60, 128, 256
TAPS, STRIDE, KERNEL, POOL = 251, 10, 5, 3
ABSOLUTE = (
    -1.0
)  # the slope of a leaky ReLU that is the absolute value; unlike Abs it fuses into a convolution


def segmentation() -> ModelProto:
    """(n, 1, 1, samples) waves to (n, frames, classes) probabilities.

    Convolutions have two dimensions, for which onnxruntime has faster kernels than for one.
    """
    g = GraphBuilder()
    waves = g.input("waves", ("n", 1, 1, WINDOW))
    hidden = _instance_norm(g, waves, "wav_norm1d", 1)
    filters = g.weight("filters", FILTERS, 1, 1, TAPS)
    hidden = g.node("Conv", hidden, filters, strides=[1, STRIDE])
    hidden = g.node("LeakyRelu", hidden, alpha=ABSOLUTE)
    hidden = _pooled(g, hidden, 0, FILTERS)
    for layer, width in ((1, FILTERS), (2, CHANNELS)):
        kernel = g.weight(f"conv.{layer}.weight", CHANNELS, width, 1, KERNEL)
        hidden = g.node("Conv", hidden, kernel, g.weight(f"conv.{layer}.bias", CHANNELS))
        hidden = _pooled(g, hidden, layer, CHANNELS)
    hidden = g.node("Squeeze", hidden, g.integers(2))
    hidden = g.node("Transpose", hidden, perm=[2, 0, 1])
    for layer in range(LSTM_LAYERS):
        hidden = _lstm(g, hidden, layer, WIDE if layer else CHANNELS)
    for name, width in (("linear.0", WIDE), ("linear.1", HIDDEN)):
        hidden = g.node("LeakyRelu", _linear(g, hidden, name, width, HIDDEN), alpha=0.01)
    classes = g.node("Softmax", _linear(g, hidden, "classifier", HIDDEN, len(CLASSES)), axis=-1)
    return g.model(g.node("Transpose", classes, perm=[1, 0, 2]), ("n", WINDOW_FRAMES, len(CLASSES)))


def _instance_norm(g: GraphBuilder, hidden: str, name: str, width: int) -> str:
    parts = (g.weight(f"{name}.{part}", width) for part in ("weight", "bias"))
    return g.node("InstanceNormalization", hidden, *parts, epsilon=1e-5)


def _pooled(g: GraphBuilder, hidden: str, layer: int, width: int) -> str:
    hidden = g.node("MaxPool", hidden, kernel_shape=[1, POOL], strides=[1, POOL])
    return g.node("LeakyRelu", _instance_norm(g, hidden, f"norm1d.{layer}", width), alpha=0.01)


def _lstm(g: GraphBuilder, hidden: str, layer: int, width: int) -> str:
    """(frames, n, 2 * HIDDEN) from (frames, n, width), both directions."""
    weights = (
        g.weight(f"lstm.{layer}.input", 2, 4 * HIDDEN, width),
        g.weight(f"lstm.{layer}.recurrent", 2, 4 * HIDDEN, HIDDEN),
        g.weight(f"lstm.{layer}.bias", 2, 8 * HIDDEN),
    )
    hidden = g.node("LSTM", hidden, *weights, hidden_size=HIDDEN, direction="bidirectional")
    hidden = g.node("Transpose", hidden, perm=[0, 2, 1, 3])
    return g.node("Reshape", hidden, g.integers(0, 0, 2 * HIDDEN))


def _linear(g: GraphBuilder, hidden: str, name: str, width: int, out: int) -> str:
    product = g.node("MatMul", hidden, g.weight(f"{name}.weight", width, out))
    return g.node("Add", product, g.weight(f"{name}.bias", out))
