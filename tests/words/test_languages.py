"""The languages Whisper knows, by every name that clients give them."""

from __future__ import annotations

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from hypothesis import given
from hypothesis import strategies as st

from utils.words.language_names import CODES, NAMES
from utils.words.languages import LANGUAGES, language_code, language_tag, means_any


def test_they_are_those_of_faster_whisper() -> None:
    assert set(LANGUAGES) == set(_LANGUAGE_CODES)
    assert len(set(LANGUAGES.values())) == len(LANGUAGES)
    assert CODES.keys() | {"haw", "yue"} == LANGUAGES.keys() >= NAMES.keys()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_code_and_name_means_one_language(code: str) -> None:
    names = [code, LANGUAGES[code], *CODES.get(code, "").split(), *NAMES.get(code, "").split(", ")]
    for name in filter(None, names):
        assert {language_code(form) for form in (name, name.upper(), name.title(), f" {name} ")} == {code}, (
            name
        )


SUBTAG = st.sampled_from(
    ["Latn", "hant", "US", "419", "BEL", "IND", "x-any", "u-nu-latn", "#Hans", "valencia"]
)


@given(
    st.sampled_from(sorted({*LANGUAGES, *CODES, *" ".join(CODES.values()).split()})),
    st.lists(SUBTAG, max_size=3),
    st.sampled_from("-_"),
    st.sampled_from(["", ".UTF-8", "@euro"]),
)
def test_script_region_and_encoding_do_not_matter(
    code: str, subtags: list[str], separator: str, encoding: str
) -> None:
    assert language_code(separator.join([code, *subtags]) + encoding) == language_code(code)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("en-US", "en"), ("zh_Hant_TW", "zh"), (" English ", "en"), ("English-US", "en"),
        ("Mandarin", "zh"),
        ("nb-NO", "no"), ("no_NO_NY", "nn"), ("nno", "nn"), ("iw_IL", "he"), ("in", "id"), ("ji", "yi"),
        ("fil-PH", "tl"), ("ger", "de"), ("deu", "de"), ("chi", "zh"), ("cmn-Hans-CN", "zh"),
        ("zh-yue-HK", "yue"),
        ("arb", "ar"), ("pes", "fa"), ("swh", "sw"), ("ekk", "et"), ("lvs", "lv"), ("hbs", "sr"),
        ("sr-Latn", "sr"),
        ("sh", "sr"), ("mo", "ro"), ("scr", "hr"), ("jv-ID", "jw"), ("zh_CN_#Hans", "zh"),
        ("b+sr+Latn", "sr"),
        ("zh-rTW", "zh"), ("de_DE.UTF-8@euro", "de"), ("fr-BEL", "fr"), ("en-IND", "en"),
        ("Français", "fr"), ("francais", "fr"), ("TÜRKÇE", "tr"), ("中文", "zh"), ("o'zbek", "uz"),
        ("oʻzbek", "uz"),
        ("Chinese (Simplified)", "zh"), ("Norwegian Bokmål", "no"), ("Haitian Creole", "ht"),
    ],
)  # fmt: skip
def test_other_ways_to_say_it(given: str, code: str) -> None:
    assert language_code(given) == code


@pytest.mark.parametrize(
    "given",
    ["", " ", "-", "xx", "klingon", "e n", "english!", "en!", "en--US", "en-" + "a" * 9, "en,de", "(en)",
     "b+", "zz-de", "en" * 5000, "(" * 9000, "e" + "-a" * 9000, "auto", "und", "C", "POSIX"],
)  # fmt: skip
def test_what_whisper_does_not_know(given: str) -> None:
    assert language_code(given) is None


@pytest.mark.parametrize("given", ["auto", "AUTO", "Auto-Detect", "auto_detect", "und", "mul", " detect "])
def test_any_language(given: str) -> None:
    assert means_any(given)
    assert not means_any(f"{given}x")


def test_tags_of_other_languages_can_still_be_compared() -> None:
    assert language_tag("ger") == language_tag("de-AT") == "de"
    assert language_tag("ku_Arab") == language_tag("KU-ARAB") == "ku-arab"
