"""The graph of CAM++ (Wang et al. 2023, arXiv:2303.00332) up to its pooling."""

from __future__ import annotations

from onnx import ModelProto

from backends.diarization.campplus_weights import CAPPED, DENSE_LAYERS, RESIDUAL_BLOCKS
from backends.diarization.filterbank import NUM_MELS
from tests.graphs.builder import GraphBuilder

CHANNELS, GROWTH, NARROW, ENTRY = 32, 32, 128, 128
DILATIONS = (1, 2, 2)


def campplus() -> ModelProto:
    """(t, 80) log mel energies to (t / 2, 512) frames.

    `contexts` (segments, frames) averages the frames that share a context, `spread` (frames, segments) gives
    each frame that of its segment. Frames are rows, so that a layer is a matrix product.
    """
    g = GraphBuilder()
    features = g.input("features", ("t", NUM_MELS))
    g.input("contexts", ("segments", "frames"))
    g.input("spread", ("frames", "segments"))
    hidden = _entry(g, _head(g, g.node("Unsqueeze", g.node("Transpose", features), g.integers(0, 1))))
    width = ENTRY
    for block, (layers, dilation) in enumerate(zip(DENSE_LAYERS, DILATIONS, strict=True), 1):
        for layer in range(1, layers + 1):
            grown = _dense_layer(g, hidden, f"block{block}.{layer}", width, dilation)
            hidden = g.node("Concat", hidden, grown, axis=1)
            width += GROWTH
        hidden = _rectified(g, hidden, f"transit{block}", width, width // 2)
        width //= 2
    return g.model(g.node("Relu", hidden), ("frames", width))


def _head(g: GraphBuilder, hidden: str) -> str:
    hidden = g.node("Relu", _convolution(g, hidden, "head.conv1", 1))
    for block in RESIDUAL_BLOCKS:
        name, stride = f"head.{block}", 2 if block.endswith(".0") else 1
        inner = g.node("Relu", _convolution(g, hidden, f"{name}.conv1", stride=stride))
        inner = _convolution(g, inner, f"{name}.conv2")
        if stride > 1:
            hidden = _convolution(g, hidden, f"{name}.shortcut", stride=stride, kernel=1)
        hidden = g.node("Relu", g.node("Add", inner, hidden))
    return g.node("Relu", _convolution(g, hidden, "head.conv2", stride=2))


def _convolution(
    g: GraphBuilder, hidden: str, name: str, width: int = CHANNELS, stride: int = 1, kernel: int = 3
) -> str:
    """Over frequency, in steps of `stride`, and time."""
    weight = g.weight(f"{name}.weight", CHANNELS, width, kernel, kernel)
    pads = [kernel // 2] * 4
    return g.node("Conv", hidden, weight, g.weight(f"{name}.bias", CHANNELS), strides=[stride, 1], pads=pads)


def _entry(g: GraphBuilder, hidden: str) -> str:
    """(frames, 128): half as many frames."""
    width = CHANNELS * NUM_MELS // 8
    hidden = g.node("Reshape", hidden, g.integers(1, width, -1))
    weight, bias = g.weight("entry.weight", ENTRY, width, 5), g.weight("entry.bias", ENTRY)
    hidden = g.node("Relu", g.node("Conv", hidden, weight, bias, strides=[2], pads=[2, 2]))
    return g.node("Transpose", g.node("Squeeze", hidden, g.integers(0)))


def _dense_layer(g: GraphBuilder, hidden: str, name: str, width: int, dilation: int) -> str:
    """A convolution with three taps as one matrix product, and a mask computed once per segment."""
    narrow = g.node("Relu", _rectified(g, hidden, name, width, NARROW))
    taps = g.node("MatMul", narrow, g.weight(f"{name}.local.weight", NARROW, 3 * GROWTH))
    before, local, after = g.nodes("Split", taps, outputs=3, axis=1, num_outputs=3)
    before = g.node("Pad", before, g.integers(dilation, 0, -dilation, 0))
    after = g.node("Pad", after, g.integers(-dilation, 0, dilation, 0))
    context = g.node("MatMul", "contexts", narrow)
    mask = g.node("Relu", _linear(g, context, f"{name}.mask1", NARROW, NARROW // 2))
    mask = g.node("Sigmoid", _linear(g, mask, f"{name}.mask2", NARROW // 2, GROWTH))
    return g.node("Mul", g.node("Sum", before, local, after), g.node("MatMul", "spread", mask))


def _rectified(g: GraphBuilder, hidden: str, name: str, width: int, out: int) -> str:
    hidden = g.node("Max", hidden, g.weight(f"{name}.floor", width))
    if name in CAPPED:
        hidden = g.node("Min", hidden, g.weight(f"{name}.ceiling", width))
    return _linear(g, hidden, name, width, out)


def _linear(g: GraphBuilder, hidden: str, name: str, width: int, out: int) -> str:
    return g.node("Gemm", hidden, g.weight(f"{name}.weight", width, out), g.weight(f"{name}.bias", out))
