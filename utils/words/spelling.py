"""Spells words in the alphabet of a CTC model and maps each word to its tokens. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from utils.words.spoken_numbers import spoken

BREAKS = re.compile(r"[\s\-‐‑–—/]+")
QUOTES = "\"'“”‘’"  # stripped at the ends of a word; inside, some models know the apostrophe


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters of a model and their tokens, and its word separator token, if it has one."""

    letters: Mapping[str, int]
    separator: int | None = None


@dataclass(frozen=True, slots=True)
class Spelling:
    """The tokens of a text, and for each word its range of tokens, which may be empty."""

    tokens: tuple[int, ...]
    words: tuple[range, ...]


def spell(words: Sequence[str], language: str, alphabet: Alphabet) -> Spelling:
    """`words` as Whisper gives them, with a leading space where a word begins; `language` in ISO 639-1."""
    separator = [] if alphabet.separator is None else [alphabet.separator]
    tokens: list[int] = []
    ranges = []
    for word in words:
        letters = _spell_word(word, language, alphabet, separator)
        if letters and tokens and word[0].isspace():
            tokens += separator
        ranges.append(range(len(tokens), len(tokens) + len(letters)))
        tokens += letters
    return Spelling(tuple(tokens), tuple(ranges))


def _spell_word(word: str, language: str, alphabet: Alphabet, separator: Sequence[int]) -> list[int]:
    tokens: list[int] = []
    for part in BREAKS.split(spoken(word, language)):
        letters = [
            token for letter in part.strip(QUOTES) for token in _spell_letter(letter, alphabet.letters)
        ]
        if letters and tokens:
            tokens += separator
        tokens += letters
    return tokens


def _spell_letter(letter: str, known: Mapping[str, int]) -> list[int]:
    """The first form in the alphabet: the letter in either case, then without diacritics, then in ASCII."""
    for form in _forms(letter):
        for cased in (form.lower(), form.upper()):
            if tokens := [known[sign] for sign in cased if sign in known]:
                return tokens
    return []


def _forms(letter: str) -> Iterator[str]:
    yield letter
    yield unicodedata.normalize("NFKD", letter)
    from anyascii import anyascii

    yield anyascii(letter)
