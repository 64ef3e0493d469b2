"""Where marks are missing, and how they are put."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.words.punctuation import (
    LABELS,
    LONGEST_UNMARKED,
    NO_MARK,
    OVERLAP,
    WINDOW,
    apply_marks,
    bare,
    group_words,
    is_marked,
    merge_labels,
    plan_windows,
    unmarked_runs,
)

said = st.lists(
    st.one_of(
        st.sampled_from([" so", " Mr.", " 3", ".5", " 000", ' end"', " ?", " «", "»", " iPhone", " ß", " ა"]),
        st.text(min_size=1, max_size=5),
        st.text(min_size=1, max_size=5).map(lambda text: " " + text),
    ),
    max_size=12,
)
labelled = st.dictionaries(st.integers(0, 11), st.sampled_from(sorted(LABELS)))
languages = st.sampled_from(["en", "fr"])


def restored(text: str, marks: str, language: str = "en") -> str:
    """`text` with a label for each of its words."""
    pieces = [" " + part for part in text.split(" ")]
    labels = dict(enumerate(marks))
    return "".join(apply_marks(pieces, labels, language)).strip()


def letters(piece: str) -> str:
    return "".join(sign for sign in piece.lower() if sign.isalnum())


@thorough
@given(said, labelled, languages)
def test_words_stay_the_same_and_as_many(pieces: list[str], labels: dict[int, str], language: str) -> None:
    after = apply_marks(pieces, labels, language)
    assert [letters(piece) for piece in after] == [letters(piece) for piece in pieces]
    assert all(len(new) >= len(old) for old, new in zip(pieces, after, strict=True))


@thorough
@given(said, labelled, languages)
def test_a_second_time_changes_nothing(pieces: list[str], labels: dict[int, str], language: str) -> None:
    once = apply_marks(pieces, labels, language)
    assert apply_marks(once, labels, language) == once
    assert len(group_words(once)) == len(group_words(pieces))


@thorough
@given(said, labelled, languages)
def test_what_has_no_label_and_follows_none_stays(
    pieces: list[str], labels: dict[int, str], language: str
) -> None:
    after = apply_marks(pieces, labels, language)
    for index, word in enumerate(group_words(pieces)):
        if index not in labels and index - 1 not in labels:
            assert [after[n] for n in word] == [pieces[n] for n in word]


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("so he went why", "00.?", "So he went. Why?"),
        ("he said: come", "0,.", "He said: come."),
        ('he said "go"', "00.", 'He said "go."'),
        ("(well) dogs' bones", ",,.", "(Well), dogs', bones."),
        ("my iPhone rang", "0,.", "My iPhone, rang."),
        ("it rang iPhone users 3rd floor", "0.0.0.", "It rang. iPhone users. 3rd floor."),
        ("go Mr. smith", "...", "Go. Mr. smith."),
        ("ask dr king", "0..", "Ask dr. king."),
        ("some 1 000 men", "0,,.", "Some 1 000, men."),
        ("yes no", "-.", "Yes - no."),
        ("... so", "..", "... So."),
        ("¿qué más", "0?", "¿Qué más?"),
        ("ყოველი დღე", "..", "ყოველი. დღე."),
        ("ja ßa", "..", "Ja. ßa."),
        ("öffne es", "0.", "Öffne es."),
    ],
)
def test_marks_and_capitals(text: str, marks: str, expected: str) -> None:
    assert restored(text, marks) == expected


def test_french_sets_its_high_marks_off() -> None:
    assert restored("il dit viens tu", "0:.?", "fr") == "Il dit : viens. Tu ?"
    assert restored("il dit « viens »", "0:.", "fr") == "Il dit : « viens. »"


def test_pieces_of_one_word_are_marked_as_one() -> None:
    pieces = [" o", "'clock", "-", " 3", ".5", " then", '"', " it", "'s"]
    after = apply_marks(pieces, dict(enumerate("0,.?")), "en")
    assert after == [" O", "'clock", "-", " 3", ".5,", " then.", '"', " It", "'s?"]


def test_only_what_follows_a_new_mark_gets_a_capital() -> None:
    pieces = [" fine.", " so", " it", " goes", " etc.", " and", " so"]
    assert apply_marks(pieces, {2: NO_MARK, 3: "."}, "en") == [*pieces[:3], " goes.", " Etc.", *pieces[5:]]


@pytest.mark.parametrize("word", [" day.", ' day,"', " va ?", " yes -", " 終わり。", " dit : «", " (so;)"])
def test_marked_words(word: str) -> None:
    assert is_marked(word)


@pytest.mark.parametrize("word", [" day", " 3.5", " it's", " dogs'", ' "day"', " well-known", ""])
def test_unmarked_words(word: str) -> None:
    assert not is_marked(word)


def test_the_model_sees_words_as_it_was_taught_them() -> None:
    assert [bare(word) for word in (' "Day,"', " It's", " U.S.", " ...", " 3.5")] == [
        "day",
        "it's",
        "u.s",
        "",
        "3.5",
    ]


def test_long_runs_without_marks_are_found_among_good_text() -> None:
    good = ["This", "is", "good,", "as", "it", "is."]
    bad = ["and"] * (LONGEST_UNMARKED + 1)
    assert unmarked_runs([*good, *bad, *good, *good]) == [range(6, 6 + len(bad) + 2)]
    assert unmarked_runs([*good, *bad[:-4], *good]) == []


def test_few_words_want_marks_only_if_they_are_all() -> None:
    assert unmarked_runs(["do", "you", "hear"]) == [range(3)]
    assert unmarked_runs(["do", "you", "hear", "me?"]) == []
    assert unmarked_runs([]) == []


@thorough
@given(st.integers(0, 900), st.integers(1, 900), st.integers(0, 100))
def test_windows_cover_a_run_and_share_their_ends(before: int, length: int, after: int) -> None:
    run = range(before, before + length)
    windows = plan_windows(run, before + length + after)
    assert set(run) <= set().union(*windows)
    assert windows[0].start == max(0, before - OVERLAP)
    assert windows[-1].stop == run.stop + min(after, OVERLAP)
    assert all(len(window) <= WINDOW for window in windows)
    assert all(left.stop - right.start >= OVERLAP for left, right in pairwise(windows))


def test_of_two_labels_the_one_farther_from_an_edge_counts() -> None:
    merged = merge_labels([range(0, 6), range(2, 8)], ["......", "??????"])
    assert "".join(merged[word] for word in range(8)) == "....????"
