"""The weights of CAM++ as its graph takes them (`tests/graphs/campplus.py` builds it): every batch norm is
folded into the matrix product or convolution beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]

RESIDUAL_BLOCKS = ("layer1.0", "layer1.1", "layer2.0", "layer2.1")
DENSE_LAYERS = (12, 24, 16)
CAPPED = ("block3.2", "block3.4", "block3.10", "block3.14")  # layers whose first batch norm flips a channel
UNBOUNDED = float(np.finfo(np.float32).max)
EPSILON = 1e-5


def prepare(weights: Weights) -> dict[str, Floats]:
    """From those of the published checkpoint. Raises ValueError for a batch norm that flips a channel
    outside the `CAPPED` layers."""
    prepared = dict(_head(weights)) | dict(_convolution(weights, "xvector.tdnn.linear", "entry"))
    for block, layers in enumerate(DENSE_LAYERS, 1):
        for layer in range(1, layers + 1):
            prepared.update(_dense_layer(weights, f"block{block}.{layer}", f"block{block}.tdnnd{layer}"))
        prepared.update(_transition(weights, f"transit{block}", block == len(DENSE_LAYERS)))
    return {name: np.ascontiguousarray(array, np.float32) for name, array in prepared.items()}


def prepare_output(weights: Weights) -> tuple[Floats, Floats]:
    """(1024, 192) and (192,): from pooled statistics to embeddings."""
    scale, shift = _batch_norm(weights, "xvector.dense.nonlinear.batchnorm")
    return (weights["xvector.dense.linear.weight"][:, :, 0] * scale[:, None]).T.copy(), shift


def _head(weights: Weights) -> Iterator[tuple[str, Floats]]:
    for number in (1, 2):
        yield from _convolution(weights, f"head.conv{number}", f"head.conv{number}", f"head.bn{number}")
    for block in RESIDUAL_BLOCKS:
        name = f"head.{block}"
        for number in (1, 2):
            ours = f"{name}.conv{number}"
            yield from _convolution(weights, ours, ours, f"{name}.bn{number}")
        if block.endswith(".0"):
            yield from _convolution(weights, f"{name}.shortcut.0", f"{name}.shortcut", f"{name}.shortcut.1")


def _convolution(weights: Weights, theirs: str, ours: str, norm: str = "") -> Iterator[tuple[str, Floats]]:
    """A convolution and the batch norm after it."""
    scale, shift = _batch_norm(weights, norm or theirs.replace("linear", "nonlinear.batchnorm"))
    kernel = weights[f"{theirs}.weight"]
    yield f"{ours}.weight", kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
    yield f"{ours}.bias", shift


def _dense_layer(weights: Weights, ours: str, theirs: str) -> Iterator[tuple[str, Floats]]:
    theirs = f"xvector.{theirs}"
    scale, shift = _batch_norm(weights, f"{theirs}.nonlinear2.batchnorm")
    matrix = weights[f"{theirs}.linear1.weight"][:, :, 0].T * scale
    yield from _rectified(weights, f"{theirs}.nonlinear1.batchnorm", ours, matrix, shift)
    kernel = weights[f"{theirs}.cam_layer.linear_local.weight"]
    yield f"{ours}.local.weight", kernel.transpose(1, 2, 0).reshape(kernel.shape[1], -1)
    for number in (1, 2):
        yield f"{ours}.mask{number}.weight", weights[f"{theirs}.cam_layer.linear{number}.weight"][:, :, 0].T
        yield f"{ours}.mask{number}.bias", weights[f"{theirs}.cam_layer.linear{number}.bias"]


def _transition(weights: Weights, name: str, is_last: bool) -> Iterator[tuple[str, Floats]]:
    """A matrix that halves the channels; the last is followed by a batch norm of its own."""
    matrix = weights[f"xvector.{name}.linear.weight"][:, :, 0].T
    scale, shift = np.ones(matrix.shape[1], np.float32), np.zeros(matrix.shape[1], np.float32)
    if is_last:
        scale, shift = _batch_norm(weights, "xvector.out_nonlinear.batchnorm")
    yield from _rectified(weights, f"xvector.{name}.nonlinear.batchnorm", name, matrix * scale, shift)


def _rectified(
    weights: Weights, norm: str, ours: str, matrix: Floats, bias: Floats
) -> Iterator[tuple[str, Floats]]:
    """Batch norm, ReLU and a product with `matrix`, as a threshold and another matrix.

    relu(s x + t) is s max(x, -t / s) + t for positive s, and s min(x, -t / s) + t for negative s.
    """
    scale, shift = _batch_norm(weights, norm)
    limit = -shift / scale
    if ours in CAPPED:
        yield f"{ours}.ceiling", np.where(scale < 0, limit, UNBOUNDED)
    elif (scale < 0).any():
        raise ValueError(f"{norm} flips a channel")
    yield f"{ours}.floor", np.where(scale < 0, -UNBOUNDED, limit)
    yield f"{ours}.weight", matrix * scale[:, None]
    yield f"{ours}.bias", bias + shift @ matrix


def _batch_norm(weights: Weights, name: str) -> tuple[Floats, Floats]:
    """The scale and the shift of each channel."""
    deviation = np.sqrt(weights[f"{name}.running_var"] + EPSILON)
    scale = weights.get(f"{name}.weight", np.ones_like(deviation)) / deviation
    shift = weights.get(f"{name}.bias", np.zeros_like(deviation)) - weights[f"{name}.running_mean"] * scale
    return np.asarray(scale, np.float32), np.asarray(shift, np.float32)
