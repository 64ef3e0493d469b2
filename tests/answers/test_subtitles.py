"""Cues that can be read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models import Segment, Word, seconds
from tests.builders import segment, thorough, word, words
from utils.answers.subtitles import MAX_DURATION, MAX_LINE, MAX_LINES, MAX_PAUSE, Cue, make_cues

HOSTILE = [
    "x" * 500,
    "-->",
    "<b>&amp;",
    "two\nlines",
    "a\r\n\r\nb",
    "1",
    "字幕",
    "——",
    "",
    " ",
    "\u2028",
    "long " * 99,
]
PLAIN = ["so", "I", "mean,", "transcription", "ends.", "Why?", "a" * 21, "b" * 22, "c" * 42, "d" * 43]
PREFIX = len("Speaker AA: ")


@st.composite
def spoken(draw: st.DrawFn) -> list[Segment]:
    """Sentences of ordinary and hostile words in order of time, some at once, some of no length."""
    texts = st.lists(
        st.tuples(
            st.sampled_from(PLAIN + HOSTILE),
            st.sampled_from([0.0, 0.0, 0.0, 0.3, 2.0]),
            st.sampled_from([0.0, 0.001, 0.2, 0.5, 9.0]),
            st.sampled_from([" ", " ", " ", ""]),
        ),
        min_size=1,
        max_size=20,
    )
    made, now = [], 0.0
    for speaker, sentence in draw(st.lists(st.tuples(st.integers(0, 30), texts), max_size=4)):
        said = []
        for text, gap, length, space in sentence:
            now += gap
            said.append(word(text, now, now + length, speaker, space))
            now += draw(st.sampled_from([0.0, length]))
        made.append(segment(said, speaker))
    return made


def letters(text: str) -> str:
    return "".join(text.split())


@thorough
@given(spoken(), st.sampled_from([0, PREFIX]))
def test_every_cue_fits(said: list[Segment], prefix: int) -> None:
    for cue in make_cues(said, prefix):
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert len(cue.lines[0]) + prefix <= MAX_LINE
        assert all(0 < len(line.strip()) <= len(line) <= MAX_LINE for line in cue.lines)
        assert not any("\n" in line or "\r" in line for line in cue.lines)
        assert cue.stop - cue.start <= MAX_DURATION


@thorough
@given(spoken(), st.sampled_from([0, PREFIX]))
def test_cues_are_in_order_and_do_not_overlap(said: list[Segment], prefix: int) -> None:
    cues = list(make_cues(said, prefix))
    assert all(cue.start // 16 < cue.stop // 16 for cue in cues)  # also as milliseconds, rounded down
    assert all(left.stop <= right.start for left, right in pairwise(cues))


@thorough
@given(spoken(), st.sampled_from([0, PREFIX]))
def test_no_letter_is_lost_and_every_cue_has_one_speaker(said: list[Segment], prefix: int) -> None:
    cues = list(make_cues(said, prefix))
    for speaker in {part.speaker for part in said}:
        assert letters("".join(line for cue in cues if cue.speaker == speaker for line in cue.lines)) == (
            letters("".join(part.text for part in said if part.speaker == speaker))
        )
    assert letters("".join(line for cue in cues for line in cue.lines)) == letters(
        "".join(part.text for part in said)
    )


def texts(of: list[Word], prefix: int = 0) -> list[tuple[str, ...]]:
    return [cue.lines for cue in make_cues([segment(of)], prefix)]


def test_two_lines_are_about_as_long() -> None:
    (cue,) = texts(words("We shall fight on the beaches, we shall fight again.", each=0.3))
    assert [len(line) for line in cue] == [30, 21]


def test_a_long_sentence_breaks_at_its_clause() -> None:
    said = "Although the committee had met several times over the winter, nobody in the room knew why."
    first, second = texts(words(said, each=0.3))
    assert first[-1].endswith("winter,")
    assert second[0].startswith("nobody")


def test_a_pause_ends_a_cue() -> None:
    said = [word("so", 0, 1), word("then", 1 + MAX_PAUSE / 16_000, 3), word("he", 4.1, 5)]
    assert texts(said) == [("so then",), ("he",)]


def test_words_without_spaces_stay_together_on_a_line() -> None:
    said = [word(text, n, n + 1, space="") for n, text in enumerate(["字幕", "は", "二", "行。"])]
    assert texts(said) == [("字幕は二行。",)]


def test_a_short_cue_stays_until_the_next_one() -> None:
    first, second = make_cues([segment([word("No.", 1, 1.1)]), segment([word("Yes.", 1.4, 1.5)])])
    assert (first.start, first.stop) == (seconds(1), seconds(1.4))
    assert (second.start, second.stop) == (seconds(1.4), seconds(2.4))


def test_nothing_said_has_no_cues() -> None:
    assert not list(make_cues([]))
    assert not list(make_cues([segment([word(" ", 0, 1)])]))


def test_the_voice_of_a_cue_is_that_of_its_words() -> None:
    said = [replace(w, speaker=2) for w in words("Hello there.")]
    assert list(make_cues([segment(said, 2)])) == [Cue(0, seconds(1), ("Hello there.",), 2)]
