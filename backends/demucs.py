"""Demucs (Rouard, Massa, Défossez 2022, arXiv:2211.08553), which takes music apart, kept to its vocals."""

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
# A safetensors file names its class and the arguments of that, so only these may be made.
ARCHITECTURES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")


class DemucsModel:
    """The networks of a bag that have a say in the vocals, often one of four, with their weights."""

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
        (2, n) block of normalised sound; what surrounds the segment is heard where a network wants more.

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
        except RuntimeError as error:  # torch knows no other, for a device out of memory as for the rest
            raise ModelFailedError("The separation model failed.") from error
        return np.asarray(torch.stack(estimates).cpu().numpy(), dtype=np.float32)


def load_separation_model(name: str, repo: Path | None, device: str, threads: int) -> DemucsModel:
    """The model `name` of the folder `repo`, or of the hub's cache where there is no folder.

    Raises ModelUnavailableError.
    """
    import torch

    torch.set_num_threads(threads)
    try:
        networks, weights = _bag(name, repo or _hub_folder(name))
        return DemucsModel(networks, weights, torch.device(device))
    except ModelUnavailableError:
        raise
    except (Exception, SystemExit) as error:  # a damaged file can fail anywhere; Demucs exits without diffq
        raise ModelUnavailableError(f"The separation model '{name}' cannot be loaded: {error!r}") from error


def _hub_folder(name: str) -> Path:
    """Where Demucs' own repository of the model lies in the hub's cache, downloaded where it is missing."""
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from huggingface_hub import snapshot_download

    hub_id = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    try:
        return Path(snapshot_download(hub_id, allow_patterns=["*.yaml", "*.safetensors"]))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"The separation model '{name}' ({hub_id}) is not in the hub's cache and cannot be downloaded. "
            f"Put its files, {name}.yaml and the .safetensors that it lists, into a folder and name that."
        ) from error


def _bag(name: str, folder: Path) -> tuple[list[Any], list[float]]:
    """Networks and their weights in the vocals: those that `name`.yaml lists, or the one called `name`."""
    import yaml
    from demucs.apply import BagOfModels

    definition = folder / f"{name}.yaml"
    if definition.is_file():
        listed = yaml.safe_load(definition.read_text())
        members = [_network(signature, folder) for signature in listed["models"]]
        bag = BagOfModels(members, listed.get("weights"), listed.get("segment"))
    else:
        bag = BagOfModels([_network(name, folder)])
    _require(VOCALS in bag.sources, name, f"it gives {', '.join(bag.sources)} but no vocals")
    _require(bag.audio_channels == SEPARATION_CHANNELS, name, "it is not for stereo")
    vocals = bag.sources.index(VOCALS)
    chosen = [(n, w[vocals]) for n, w in zip(bag.models, bag.weights, strict=True) if w[vocals]]
    _require(bool(chosen), name, "none of its networks has a weight in the vocals")
    alike = len({_segment_of(network) for network, _ in chosen}) == 1
    _require(alike, name, "its networks cut the sound into segments of different lengths")
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


def _require(is_so: bool, name: str, otherwise: str) -> None:
    if not is_so:
        raise ModelUnavailableError(f"The separation model '{name}' cannot be used: {otherwise}.")
