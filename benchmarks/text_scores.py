"""Word and character errors after language-specific normalisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

CHARACTER_LANGUAGES = frozenset({"ja", "zh"})
"""Written without spaces, so characters are counted."""

FOLDED_LANGUAGES = frozenset({"es"})
"""Scored without accents: the references lack some."""

YO_AS_YE = str.maketrans({"\N{CYRILLIC SMALL LETTER IO}": "\N{CYRILLIC SMALL LETTER IE}"})
"""Russian text uses either."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Substitutions, deletions and insertions against `length` reference words or characters."""

    count: int = 0
    length: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.count + other.count, self.length + other.length)

    @property
    def rate(self) -> float:
        return self.count / self.length if self.length else 0.0


def normalise(text: str, language: str) -> str:
    """Normalised words joined by single spaces; without spaces for `CHARACTER_LANGUAGES`."""
    words = _normaliser(language)(text).translate(YO_AS_YE).split()
    return "".join(words) if language in CHARACTER_LANGUAGES else " ".join(words)


def count_errors(reference: str, hypothesis: str, language: str) -> Errors:
    """`reference` must contain at least one word after normalisation."""
    expected, actual = normalise(reference, language), normalise(hypothesis, language)
    if language in CHARACTER_LANGUAGES:
        return _errors(jiwer.process_characters(expected, actual))
    return _errors(jiwer.process_words(expected, actual))


@cache
def _normaliser(language: str) -> Callable[[str], str]:
    if language == "en":
        english: Callable[[str], str] = EnglishTextNormalizer()
        return english
    basic: Callable[[str], str] = BasicTextNormalizer(remove_diacritics=language in FOLDED_LANGUAGES)
    return basic


def _errors(output: jiwer.WordOutput | jiwer.CharacterOutput) -> Errors:
    wrong = output.substitutions + output.deletions
    return Errors(wrong + output.insertions, wrong + output.hits)
