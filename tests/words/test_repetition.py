"""Text that says its end twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.words.repetition import SHORTEST, repeats_its_end


@pytest.mark.parametrize(
    "text",
    [
        "What has happened to me? What has happened to me?",
        " Lobsters and lobsters. Lobsters and lobsters.",
        "Davosu Davosu",
        "Premere canceletto. Per il dettato, per il dettato.",
        "你好吗你好吗",
    ],
)
def test_an_end_said_twice_is_found_whatever_its_marks(text: str) -> None:
    assert repeats_its_end(text)


@pytest.mark.parametrize("text", ["", " ", "No, no.", "Lobsters and lobster", "one two one", "ha ha"])
def test_what_is_said_once_is_not(text: str) -> None:
    assert not repeats_its_end(text)


@given(st.text(max_size=40), st.text("abcä 1", min_size=1, max_size=20))
def test_any_end_counts_from_three_letters_on(start: str, end: str) -> None:
    letters = sum(map(str.isalnum, end))
    assert repeats_its_end(f"{start} {end}. {end}!") or letters < SHORTEST
