"""The languages Whisper knows."""

from __future__ import annotations

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES

from utils.words.languages import LANGUAGES, language_code


def test_they_are_those_of_faster_whisper() -> None:
    assert set(LANGUAGES) == set(_LANGUAGE_CODES)
    assert len(set(LANGUAGES.values())) == len(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_code_and_its_name_mean_the_same(code: str) -> None:
    assert (
        language_code(code) == language_code(code.upper()) == language_code(LANGUAGES[code].title()) == code
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("en-US", "en"), ("zh_Hant_TW", "zh"), (" English ", "en"), ("castilian", "es"), ("Mandarin", "zh"),
        ("jv", "jw"), ("jv-ID", "jw"), ("haw", "haw"), ("Haitian Creole", "ht"),
    ],
)  # fmt: skip
def test_other_ways_to_say_it(given: str, code: str) -> None:
    assert language_code(given) == code


@pytest.mark.parametrize("given", ["", " ", "xx", "klingon", "auto", "-", "e n", "english!"])
def test_what_whisper_does_not_know(given: str) -> None:
    assert language_code(given) is None
