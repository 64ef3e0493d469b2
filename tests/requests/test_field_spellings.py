"""The spellings of lists and of absent values that clients use, all with the same result."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.requests.field_values import NOT_SENT
from services.requests.form import FIELDS, LISTS
from services.requests.parameters import parse_parameters
from tests.requests.form_fields import MODEL, OFF, options, parse, refused

WORDS = {
    "timestamp_granularities": ["word", "segment"],
    "include": ["logprobs"],
    "languages": ["de", "en", "nb", "pt-BR", "Haitian Creole"],
}
TEXTS = ("keywords", "known_speaker_names")
TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and text not in NOT_SENT and not text.startswith("[")
)
Fields = list[tuple[str, str]]


def repeated(name: str, items: list[str]) -> list[Fields]:
    return [
        [(name, item) for item in items],
        [(f"{name}[]", item) for item in items],
        [(f"{name}[{index}]", f" {item} ") for index, item in enumerate(items)],
        [(name if index else f"{name}[]", item) for index, item in enumerate(items)],
    ]


def as_json(name: str, items: list[str]) -> list[Fields]:
    return [
        [(name, json.dumps(items))],
        [(f"{name}[]", json.dumps(items, ensure_ascii=False, separators=(",", ":")))],
        [(name, json.dumps([*items[:1], None])), (name, json.dumps(items[1:], indent=1))],
    ]


def with_commas(name: str, items: list[str]) -> list[Fields]:
    return [
        [(name, ",".join(items))],
        [(f"{name}[]", " , ".join(items) + ",")],
        [(name, str(items))],
        [(name, items[0]), (name, ",".join(items[1:]))],
    ]


@given(st.data())
def test_every_spelling_of_a_list_of_words_is_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WORDS)))
    items = data.draw(st.lists(st.sampled_from(WORDS[name]), min_size=1, max_size=4, unique=True))
    form = ("response_format", "verbose_json" if name == "timestamp_granularities" else "json")
    plain, *others = (*repeated(name, items), *as_json(name, items), *with_commas(name, items))
    expected = parse(form, *plain)
    assert expected != parse(form) or set(items) == {"segment"}
    assert all(parse(form, *fields) == expected for fields in others)


@given(st.sampled_from(TEXTS), st.lists(TEXT, min_size=1, max_size=4, unique_by=str.strip))
def test_every_spelling_of_a_list_of_texts_is_the_same_and_keeps_commas(name: str, items: list[str]) -> None:
    names = [("known_speaker_references", "data:")] * len(items) if name == "known_speaker_names" else []
    form = ("response_format", "text")
    plain, *others = (*repeated(name, items), *as_json(name, items))
    expected = parse(form, *names, *plain)
    sent = (
        expected.options.decode.keywords
        if name == "keywords"
        else tuple(reference.name for reference in expected.known.references)
    )
    assert sent == tuple(items)
    assert all(parse(form, *names, *fields) == expected for fields in others)


@pytest.mark.parametrize("text", ["[Music]", "[1]", '["open', '[["nested"]]', "a, b", "[" * 99])
def test_a_text_that_only_looks_like_a_list_is_one_item(text: str) -> None:
    assert options(("keywords", text)).decode.keywords == (text,)


@pytest.mark.parametrize("text", ['["word"', "word;segment", "[word][segment]", '{"word"}', "[[word]]"])
def test_a_list_of_words_in_no_known_spelling_is_refused(text: str) -> None:
    asked = [("response_format", "verbose_json"), ("timestamp_granularities", text)]
    assert refused(*asked) == "timestamp_granularities"


@pytest.mark.parametrize("absent", sorted(NOT_SENT | {" ", " null "}))
@pytest.mark.parametrize("name", sorted(FIELDS - {"model"}))
def test_an_absent_value_in_text_is_as_if_it_was_not_sent(name: str, absent: str) -> None:
    fields = [(name, absent), (f"{name}[]", absent)] if name in LISTS else [(name, absent)]
    assert parse(*fields) == parse()


def test_an_absent_value_overrides_none_that_was_sent() -> None:
    assert options(("language", "de"), ("language", "null")).decode.language == "de"
    assert options(("keywords", '["Ann", null, ""]')).decode.keywords == ("Ann",)
    assert options(("languages", "[]"), ("keywords", "[]")).decode.languages == ()
    strategy = [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "null")]
    assert parse(*strategy) == parse()


def test_a_required_field_must_not_be_absent() -> None:
    with pytest.raises(Exception, match="'model' is required"):
        parse_parameters([(MODEL[0], "null")], OFF)


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", " 0.5 "), ("diarize", " TRUE "), ("language", " de\n")]
)
def test_spaces_around_a_value_do_not_count(name: str, value: str) -> None:
    form = ("response_format", "text")
    assert parse(form, (name, value)) == parse(form, (name, value.strip()))
