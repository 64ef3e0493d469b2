"""Finds model weights by path or hub id."""

from __future__ import annotations

from pathlib import Path

from exceptions import ModelUnavailableError

TRANSFORMERS_WEIGHTS = "model.safetensors"


def has_weights(model: str) -> bool:
    """Whether `model` is an existing path or a hub id with cached weights. Makes no network request."""
    if _is_path(model):
        return Path(model).expanduser().exists()
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = (try_to_load_from_cache(model, name) for name in (_nemo_name(model), TRANSFORMERS_WEIGHTS))
        return any(isinstance(path, str) for path in found)
    except HFValidationError:
        return False


def nemo_file(model: str) -> Path:
    """The `.nemo` file of a path or hub id, downloaded if missing.

    Raises ModelUnavailableError, which says what to put where.
    """
    if _is_path(model):
        path = Path(model).expanduser()
        if not path.is_file():
            raise ModelUnavailableError(f"File not found: {path}. Put the .nemo file there.")
        return path
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(model, _nemo_name(model)))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"{_nemo_name(model)} of {model} is not in the hub cache and cannot be downloaded. "
            "Give the path of a .nemo file, or check the id and the connection to the model hub."
        ) from error


def _is_path(model: str) -> bool:
    return model.startswith((".", "/", "~")) or model.endswith(".nemo") or Path(model).exists()


def _nemo_name(model: str) -> str:
    """NVIDIA names the file after the repository."""
    return model.rsplit("/", 1)[-1] + ".nemo"
