"""Words to the letters of a model, on models of different scripts."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.words.spelling import Alphabet, spell
from utils.words.spoken_numbers import spoken


def alphabet(letters: str, separator: str | None = None) -> Alphabet:
    known = {letter: index for index, letter in enumerate(letters, start=1)}
    return Alphabet(known, known.pop(separator) if separator else None)


LOWER = alphabet(ascii_lowercase + "'")
UPPER = alphabet(ascii_uppercase + "'|", separator="|")
CYRILLIC = alphabet("абвгдежзийклмнопрстуфхцчшщъыьэюя")


def spelled(words: list[str], known: Alphabet = LOWER, language: str = "en") -> list[str]:
    """The letters of each word."""
    names = {token: letter for letter, token in known.letters.items()} | {known.separator: "|"}
    spelling = spell(words, language, known)
    return ["".join(names[spelling.tokens[index]] for index in own) for own in spelling.words]


@pytest.mark.parametrize(
    ("word", "language", "letters"),
    [
        (" Hello,", "en", "hello"),
        (" don’t", "en", "don't"),
        (" 'quoted'", "en", "quoted"),
        (" Crème", "fr", "creme"),
        (" Straße", "de", "strasse"),
        (" Привет", "ru", "privet"),
        (" $5", "en", "fivedollars"),
        (" 3rd", "en", "third"),
        (" 50%", "de", "funfzigprozent"),
        (" &", "en", "and"),
        (" 1,000", "en", "onethousand"),
        (" 1984.", "en", "nineteeneightyfour"),
        (" 007", "en", "zerozeroseven"),
        (" —", "en", ""),
        (" ", "en", ""),
    ],
)
def test_a_word_is_spelled_as_it_is_said(word: str, language: str, letters: str) -> None:
    assert spelled([word], language=language) == [letters]


def test_a_model_of_the_script_needs_no_romanising() -> None:
    assert spelled([" Ёлка", " 5"], CYRILLIC, "ru") == ["елка", "пять"]


def test_separators_stand_between_words_and_belong_to_none() -> None:
    words = [" Good", " —", " day", "-time,", " 25"]
    assert spelled(words, UPPER) == ["GOOD", "", "DAY", "TIME", "TWENTY|FIVE"]
    assert len(spell(words, "en", UPPER).tokens) == len("GOOD|DAYTIME|TWENTY|FIVE")


def test_figures_that_a_language_cannot_read_are_left_out() -> None:
    assert spoken("5 %", "zh").split() == []
    assert spelled([" 12345678901234567890"], language="am") != [""]


@thorough
@given(st.lists(st.text(max_size=12).map(lambda text: " " + text), max_size=8), st.sampled_from(["en", "ja"]))
def test_every_token_is_a_letter_of_one_word(words: list[str], language: str) -> None:
    spelling = spell(words, language, LOWER)
    assert len(spelling.words) == len(words)
    assert [index for own in spelling.words for index in own] == list(range(len(spelling.tokens)))
    assert set(spelling.tokens) <= set(LOWER.letters.values())
