"""Answers about recordings in several languages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from models import SpokenLanguage, Transcript
from options import ResponseFormat
from tests.builders import segment, transcript, words
from utils.answers.wire import AnswerForm
from utils.response_formatter import render

ENGLISH = replace(segment(words("Hello there.")), language="en")
GERMAN = replace(segment(words("Guten Tag.", 2)), language="de")


def body(of: Transcript, form: ResponseFormat) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(b"".join(render(of, AnswerForm(form))[0]))
    return answer


def test_several_are_named_with_their_seconds() -> None:
    lengths = (SpokenLanguage("en", 24_000), SpokenLanguage("de", 8_000))
    both = replace(transcript([ENGLISH, GERMAN]), languages=lengths)
    expected = [{"language": "english", "seconds": 1.5}, {"language": "german", "seconds": 0.5}]
    verbose = body(both, ResponseFormat.VERBOSE_JSON)
    assert (verbose["language"], verbose["languages"]) == ("english", expected)
    assert [part["language"] for part in verbose["segments"]] == ["english", "german"]
    assert body(both, ResponseFormat.DIARIZED_JSON)["languages"] == expected
    assert body(both, ResponseFormat.JSON)["languages"] == [{"code": "en"}, {"code": "de"}]


def test_an_answer_in_one_is_as_hosted() -> None:
    one = replace(transcript([ENGLISH]), languages=(SpokenLanguage("en", 24_000),))
    verbose = body(one, ResponseFormat.VERBOSE_JSON)
    assert verbose["language"] == "english"
    assert "languages" not in verbose
    assert "language" not in verbose["segments"][0]
    assert "languages" not in body(one, ResponseFormat.DIARIZED_JSON)
