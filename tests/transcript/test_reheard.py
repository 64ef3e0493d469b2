"""What was heard again, between the words around it."""

from __future__ import annotations

from dataclasses import replace

from models import Segment, Span, seconds
from tests.builders import segment, words
from utils.transcript.reheard import insert

GAP = Span(seconds(2), seconds(6))


def texts(segments: list[Segment]) -> list[str]:
    return [each.text for each in segments]


def test_it_stands_where_it_was_said() -> None:
    around = segment([*words("we went", each=1), *words("home again", start=6)])
    found = segment(words("to town and came", start=2, each=1))
    assert texts(insert([around], [found], GAP)) == [" we went", " to town and came", " home again"]


def test_segments_elsewhere_are_left_as_they_are() -> None:
    first, last = segment(words("we went", each=1)), segment(words("home again", start=6))
    merged = insert([first, last], [segment(words("to town", start=3))], GAP)
    assert merged[0] is first
    assert merged[-1] is last


def test_what_both_hearings_have_at_an_edge_is_said_once() -> None:
    around = segment([*words("we went", each=1), *words("home again", start=6)])
    found = segment(words("Went to town and came home, again.", start=2, each=4 / 7))
    assert texts(insert([around], [found], GAP)) == [" we went", " to town and came", " home again"]


def test_a_word_said_again_later_stays() -> None:
    around = segment([*words("no no", each=1), *words("never", start=6)])
    found = segment(words("no no no", start=3))
    assert texts(insert([around], [found], GAP)) == [" no no", " no no no", " never"]


def test_text_without_words_stays() -> None:
    bare = replace(segment(words("we went", each=1)), words=())
    assert texts(insert([bare], [segment(words("to town", start=3))], GAP)) == [" we went", " to town"]
