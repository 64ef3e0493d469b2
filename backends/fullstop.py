"""Punctuation restoration: a transformer token classifier that predicts the mark after each word.

The FullStop models (Guhr et al. 2021, ceur-ws.org/Vol-2957/sepp_paper4.pdf) and any with the same labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exceptions import ModelFailedError, ModelUnavailableError
from utils.words.punctuation import LABELS, NO_MARK

REQUIRED = ("config.json", "model.safetensors", "tokenizer.json")
ROBERTA_OFFSET = 2  # positions that RoBERTa models reserve for padding; others can spare them


class PunctuationModel:
    """Not thread-safe: run it in a slot."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self._network = network
        self._tokenizer = tokenizer
        positions = network.config.max_position_embeddings - ROBERTA_OFFSET
        self._max_tokens = min(tokenizer.model_max_length, positions)

    def label(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The mark after each of some hundred words, one of `LABELS`; a word without letters may be empty.

        Raises ModelFailedError if the network fails, for example when out of memory.
        """
        try:
            return tuple(label for part in self._parts(words) for label in self._predict(part))
        except RuntimeError as error:
            raise ModelFailedError("The punctuation model failed.") from error

    def _parts(self, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """`words`, halved until each part fits the network."""
        if len(words) <= 1 or len(self._encode(words).input_ids) <= self._max_tokens:
            yield from [words] if words else []
        else:
            middle = len(words) // 2
            yield from self._parts(words[:middle])
            yield from self._parts(words[middle:])

    def _predict(self, words: tuple[str, ...]) -> list[str]:
        """A word's label is that of its last token. A single word too long for the network is truncated."""
        import torch

        encoded = self._encode(words, truncation=True, max_length=self._max_tokens, return_tensors="pt")
        with torch.inference_mode():
            scores = self._network(**encoded.to(self._network.device)).logits[0]
        labels = [NO_MARK] * len(words)
        for word, best in zip(encoded.word_ids(0), scores.argmax(dim=-1).tolist(), strict=True):
            if word is not None:
                labels[word] = self._network.config.id2label[best]
        return labels

    def _encode(self, words: tuple[str, ...], **options: Any) -> Any:
        return self._tokenizer(list(words), is_split_into_words=True, verbose=False, **options)


def load_punctuation_model(model: str, device: str) -> PunctuationModel:
    """Loads from a folder or a hub id. Only safetensors are read: pickled weights can run code.

    Raises ModelUnavailableError, which says what is required and where.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    _check_folder(Path(model))
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        network, report = AutoModelForTokenClassification.from_pretrained(
            model, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"The punctuation model {model!r} cannot be loaded. Give a reachable hub id, or a folder with "
            f"{', '.join(REQUIRED)}. {error}"
        ) from error
    if report["missing_keys"] or not set(network.config.id2label.values()) <= LABELS:
        raise ModelUnavailableError(
            f"{model!r} is not a punctuation model: its labels must be among {' '.join(sorted(LABELS))}, "
            "and all its weights present."
        )
    return PunctuationModel(network.eval().to(device), tokenizer)


def _check_folder(folder: Path) -> None:
    if folder.is_dir() and (missing := [name for name in REQUIRED if not (folder / name).is_file()]):
        raise ModelUnavailableError(f"The punctuation model in {folder} lacks {', '.join(missing)}.")
