"""The names of models: which are the same model, and which this server has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faster_whisper.utils import _MODELS

from exceptions import ModelNotFoundError
from utils.catalogue import Catalogue
from utils.model_names import HOSTED, SIZES, hosted_name, published_size

BASE = Catalogue("whisper-base", 0, installed=("whisper-base", "whisper-tiny.en"))
TURBO = Catalogue("large-v3-turbo", 0)
HUB = replace(BASE, downloads=True)


def test_the_sizes_of_faster_whisper_and_their_repositories_are_the_same_models() -> None:
    assert set(SIZES) == set(_MODELS)
    for size, repository in _MODELS.items():
        assert published_size(repository) == published_size(size)
        assert published_size(f"whisper-{size}") == published_size(size)
    assert len({published_size(size) for size in SIZES}) == len(set(_MODELS.values()))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("whisper-large-v3-turbo", "large-v3-turbo"), ("openai/whisper-large-v3-turbo", "large-v3-turbo"),
        ("turbo", "large-v3-turbo"), ("deepdml/faster-whisper-large-v3-turbo-ct2", "large-v3-turbo"),
        ("Systran/faster-whisper-base", "base"), ("systran/Faster-Whisper-Base", "base"),
        ("openai/whisper-base", "base"), ("faster-whisper-tiny.en", "tiny.en"),
        ("openai/whisper-large", "large-v1"),
        ("whisper-large", "large-v3"), ("distil-whisper-large-v3-en", "distil-large-v3"),
        ("distil-whisper/distil-large-v3", "distil-large-v3"), ("whisper-1", None), ("whisper", None),
        ("", None),
        ("somebody/faster-whisper-base", None), ("whisper-base-finetuned", None),
        ("openai/whisper-1", None),
    ],
)  # fmt: skip
def test_names_of_a_published_model(name: str, size: str | None) -> None:
    assert published_size(name) == size


def test_hosted_names_come_with_their_owner_too() -> None:
    for name in (*HOSTED, "gpt-4o-mini-transcribe-2025-12-15"):
        assert hosted_name(name) == hosted_name(f"openai/{name}") == name
    for name in ("whisper-2", "somebody/whisper-1", "gpt-4o", "whisper-base"):
        assert hosted_name(name) is None


@pytest.mark.parametrize(
    ("catalogue", "name", "model"),
    [
        (BASE, "openai/whisper-1", "whisper-1"), (BASE, "openai/whisper-base", "whisper-base"),
        (BASE, "Systran/faster-whisper-base", "whisper-base"), (BASE, "base", "whisper-base"),
        (BASE, "Systran/faster-whisper-tiny.en", "whisper-tiny.en"), (BASE, "tiny.en", "whisper-tiny.en"),
        (BASE, "whisper-large-v3-turbo", None), (BASE, "turbo", None), (BASE, "base.en", None),
        (TURBO, "whisper-large-v3-turbo", "large-v3-turbo"), (TURBO, "turbo", "large-v3-turbo"),
        (TURBO, "openai/whisper-large-v3", None), (TURBO, "openai/whisper-base", None),
        (HUB, "base", "whisper-base"), (HUB, "openai/whisper-small", "small"),
        (HUB, "turbo", "large-v3-turbo"),
        (HUB, "Systran/faster-whisper-medium", "medium"), (HUB, "somebody/faster-whisper-small", None),
        (HUB, "Systran/faster-whisper-new", "Systran/faster-whisper-new"),
        (BASE, "Systran/faster-whisper-new", None),
        (Catalogue("base", 0, own_is_published=False), "base", "base"),
        (Catalogue("base", 0, own_is_published=False), "openai/whisper-base", None),
        (Catalogue("small", 0, downloads=True, own_is_published=False), "openai/whisper-small", None),
        (Catalogue("Systran/faster-whisper-small", 0), "small", "Systran/faster-whisper-small"),
        (Catalogue("somebody/whisper-x", 0), "somebody/whisper-x", "somebody/whisper-x"),
    ],
)  # fmt: skip
def test_a_name_resolves_only_to_a_model_that_is_that_one(
    catalogue: Catalogue, name: str, model: str | None
) -> None:
    if model is None:
        with pytest.raises(ModelNotFoundError):
            catalogue.require(name)
    else:
        assert catalogue.require(name) == model


@pytest.mark.parametrize("catalogue", [BASE, TURBO, HUB])
def test_every_listed_id_is_there_once_and_is_itself(catalogue: Catalogue) -> None:
    assert len(set(catalogue.ids)) == len(catalogue.ids)
    assert all(catalogue.require(name) == name for name in catalogue.ids)
    sizes = [size for size in map(published_size, catalogue.ids) if size]
    assert len(set(sizes)) == len(sizes)
