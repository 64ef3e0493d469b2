"""Demucs music source separation (Rouard, Massa, Défossez 2022, arXiv:2211.08553), for vocals only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exceptions import ModelFailedError, ModelUnavailableError
from seams import SEPARATION_CHANNELS, SeparationLayout
from utils.audio.overlap_add import Samples

if TYPE_CHECKING:
    import torch

VOCALS = "vocals"
# A safetensors file names its class and constructor arguments, so only these may be instantiated.
ARCHITECTURES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")


class DemucsModel:
    """The networks of a bag that contribute to the vocals, often one of four, with their weights."""

    def __init__(self, networks: Sequence[Any], weights: Sequence[float], device: torch.device) -> None:
        self._networks = [network.to(device).eval() for network in networks]
        self._weights = tuple(float(weight) for weight in weights)
        self._device = device
        self._vocals = networks[0].sources.index(VOCALS)

    def layout(self) -> SeparationLayout:
        first = self._networks[0]
        return SeparationLayout(int(first.samplerate), _segment_of(first), self._weights)

    def separate(self, block: Samples, offset: int, length: int) -> Samples:
        """(networks, 2, length) estimates of the vocals in `block[:, offset : offset + length]`, from a
        (2, n) block of normalised audio; a network that needs more context uses what surrounds the segment.

        Raises ModelFailedError.
        """
        import torch
        from demucs.apply import TensorChunk, apply_model

        segment = TensorChunk(torch.tensor(block)[None], offset, length)
        try:
            estimates = [
                apply_model(network, segment, shifts=0, split=False, device=self._device)[0, self._vocals]
                for network in self._networks
            ]
        except RuntimeError as error:  # torch raises it for everything, also when out of memory
            raise ModelFailedError("The separation model failed.") from error
        return np.asarray(torch.stack(estimates).cpu().numpy(), dtype=np.float32)


def load_separation_model(name: str, repo: Path | None, device: str, threads: int) -> DemucsModel:
    """The model `name` from the folder `repo`, or from the hub cache if that is None.

    Raises ModelUnavailableError.
    """
    import torch

    torch.set_num_threads(threads)
    try:
        networks, weights = _bag(name, repo or _hub_folder(name))
        return DemucsModel(networks, weights, torch.device(device))
    except ModelUnavailableError:
        raise
    except (Exception, SystemExit) as error:  # a damaged file can raise anything; Demucs exits without diffq
        raise ModelUnavailableError(f"The separation model '{name}' cannot be loaded: {error!r}") from error


def _hub_folder(name: str) -> Path:
    """The folder of Demucs' own repository of the model in the hub cache, downloaded if missing."""
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from huggingface_hub import snapshot_download

    hub_id = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    try:
        return Path(snapshot_download(hub_id, allow_patterns=["*.yaml", "*.safetensors"]))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"The separation model '{name}' ({hub_id}) is not in the hub cache and cannot be downloaded. "
            f"Put {name}.yaml and the .safetensors files it lists in a folder, and set SEPARATION_REPO to it."
        ) from error


def _bag(name: str, folder: Path) -> tuple[list[Any], list[float]]:
    """Networks that contribute to the vocals, with weights: those in `name`.yaml, or else `name` itself."""
    import yaml
    from demucs.apply import BagOfModels

    definition = folder / f"{name}.yaml"
    if definition.is_file():
        listed = yaml.safe_load(definition.read_text())
        members = [_network(signature, folder) for signature in listed["models"]]
        bag = BagOfModels(members, listed.get("weights"), listed.get("segment"))
    else:
        bag = BagOfModels([_network(name, folder)])
    _require(VOCALS in bag.sources, name, f"it outputs {', '.join(bag.sources)} but no vocals")
    _require(bag.audio_channels == SEPARATION_CHANNELS, name, "it is not for stereo")
    vocals = bag.sources.index(VOCALS)
    chosen = [(n, w[vocals]) for n, w in zip(bag.models, bag.weights, strict=True) if w[vocals]]
    _require(bool(chosen), name, "none of its networks contributes to the vocals")
    alike = len({_segment_of(network) for network, _ in chosen}) == 1
    _require(alike, name, "its networks use segments of different lengths")
    return [network for network, _ in chosen], [weight for _, weight in chosen]


def _network(signature: str, folder: Path) -> Any:
    """One network, from SIGNATURE.safetensors or else from SIGNATURE-CHECKSUM.th, which is a pickle."""
    from demucs.hf import load_safetensors_model
    from demucs.repo import check_checksum
    from demucs.states import load_model

    safe = folder / f"{signature}.safetensors"
    if safe.is_file():
        _check_architecture(safe)
        return load_safetensors_model(safe)
    pickled = sorted(folder.glob(f"{signature}-*.th"))
    if not pickled:
        raise ModelUnavailableError(
            f"The separation model '{signature}' is missing: put {signature}.safetensors, or "
            f"{signature}.yaml and the models that it lists, or {signature}-CHECKSUM.th into {folder}."
        )
    check_checksum(pickled[0], pickled[0].stem.rpartition("-")[2])
    return load_model(pickled[0])


def _check_architecture(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
    _require(metadata.get("klass") in ARCHITECTURES, path.name, "it does not hold a Demucs network")
    _require("structure" not in metadata, path.name, "it is quantised")


def _segment_of(network: Any) -> int:
    return int(network.samplerate * network.segment)


def _require(condition: bool, name: str, reason: str) -> None:
    if not condition:
        raise ModelUnavailableError(f"The separation model '{name}' cannot be used: {reason}.")
