"""Windows of text into segments."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Span, WindowText, Word
from tests.builders import thorough, word, words
from utils.words.sentences import LONGEST_PAUSE, cut_segments, ends_sentence

WINDOW = Span(160_000, 640_000)


def window(of: list[Word], text: str | None = None) -> WindowText:
    text = "".join(word.text for word in of) if text is None else text
    return WindowText(text, (1, 2), tuple(of), 0.2, -0.3, 1.4, 0.05)


def texts(of: list[Word]) -> list[str]:
    return [segment.text for segment in cut_segments(window(of), WINDOW)]


@pytest.mark.parametrize(
    "text",
    [
        "day.",
        " day?",
        'day!"',
        "day.”)",
        "…",
        "終わり。",
        "I.",
        "ہے۔",
        "है।",
        "Է։",
        "ነው።",
        "Tag.“",
        "so «no».",
    ],
)
def test_sentence_ends(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["day", "Mr.", " dr.", '"Mrs.', "J.", "3.5", "day,", "", '"'])
def test_no_sentence_ends(text: str) -> None:
    assert not ends_sentence(text)


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    made, now = [], 0.0
    texts = [
        "so",
        "Mr.",
        "day.",
        "I.",
        "J.",
        "why?",
        "well,",
        "Then",
        "p.m.",
        "U.S.",
        "No.",
        "5",
        "3.",
        "etc.",
    ]
    for text in draw(st.lists(st.sampled_from(texts), min_size=1)):
        now += draw(st.sampled_from([0.0, 0.3, 1.0, 1.1, 3.0]))
        made.append(word(text, now, now + 0.3))
        now += 0.3
    return made


@thorough
@given(spoken())
def test_segments_hold_every_word_in_order_and_end_at_sentences_and_pauses(of: list[Word]) -> None:
    segments = cut_segments(window(of), WINDOW)
    held = [word for segment in segments for word in segment.words]
    assert [(w.start - WINDOW.start, w.stop - WINDOW.start, w.text) for w in held] == [
        (w.start, w.stop, w.text) for w in of
    ]
    for segment in segments:
        assert segment.text == "".join(word.text for word in segment.words)
        assert segment.tokens == tuple(token for word in segment.words for token in word.tokens)
        assert (segment.start, segment.stop) == (segment.words[0].start, segment.words[-1].stop)
        for one, two in pairwise(segment.words):
            assert not ends_sentence(one.text, two.text, two.start - one.stop)
    for left, right in pairwise(segments):
        pause = right.start - left.stop
        assert pause > LONGEST_PAUSE or ends_sentence(left.text, right.text, pause)


def test_a_sentence_is_a_segment() -> None:
    assert texts(words("Mr. J. Smith left. Why? Who knows")) == [" Mr. J. Smith left.", " Why?", " Who knows"]


def test_only_a_long_pause_ends_a_segment() -> None:
    assert texts([word("so", 0, 0.4), word("then", 1.4, 1.8), word("he", 2.81, 3)]) == [" so then", " he"]


def test_a_window_without_word_times_is_one_segment_with_the_decoders_figures() -> None:
    (segment,) = cut_segments(window([], " One. Two."), WINDOW)
    assert (segment.start, segment.stop, segment.window_start) == (160_000, 640_000, 160_000)
    assert (segment.text, segment.words, segment.tokens) == (" One. Two.", (), (1, 2))
    assert (segment.temperature, segment.avg_logprob) == (0.2, -0.3)
    assert (segment.compression_ratio, segment.no_speech_prob) == (1.4, 0.05)


def test_a_blank_window_has_no_segments() -> None:
    assert cut_segments(window([], "  "), WINDOW) == []


def test_a_word_where_no_speech_was_heard_keeps_its_time() -> None:
    (segment,) = cut_segments(window([word("hm.", 5.0, 5.2)]), WINDOW, [Span(0, 16_000)])
    assert (segment.start, segment.stop) == (160_000 + 80_000, 160_000 + 83_200)
