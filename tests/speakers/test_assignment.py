"""Words to speakers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Segment, SpeakerTurn, Word
from tests.builders import segment, thorough, turn, word, words
from utils.speakers.assignment import EDGE, assign_speakers
from utils.words.sentences import ends_sentence

Voiced = list[tuple[str, int | None]]


def voiced(of: list[Word], *turns: SpeakerTurn) -> Voiced:
    """Text and speaker of each piece of what was said, a segment for each sentence."""
    ends = [n for n, word in enumerate(of, start=1) if ends_sentence(word.text) or n == len(of)]
    sentences = [segment(of[start:stop]) for start, stop in pairwise([0, *ends])]
    return [(piece.text, piece.speaker) for piece in assign_speakers(sentences, turns)]


@st.composite
def spoken(draw: st.DrawFn) -> list[Segment]:
    made, now = [], 0.0
    texts = st.lists(st.sampled_from(["so", "he", "Mr.", "went.", "Why?"]), min_size=1, max_size=6)
    for sentence in draw(st.lists(texts, min_size=1, max_size=5)):
        said = []
        for text in sentence:
            now += draw(st.sampled_from([0.0, 0.1, 0.8, 4.0]))
            stop = now + draw(st.sampled_from([0.0, 0.1, 0.5]))
            said.append(word(text, now, stop))
            now = stop
        made.append(segment(said))
    return made


conversations = st.lists(
    st.builds(
        lambda start, length, speaker: turn(start / 10, (start + length) / 10, speaker),
        st.integers(0, 200),
        st.integers(1, 80),
        st.integers(0, 3),
    ),
    max_size=8,
)


@thorough
@given(spoken(), conversations)
def test_words_are_never_lost_reordered_or_retimed(said: list[Segment], turns: list[SpeakerTurn]) -> None:
    pieces = list(assign_speakers(said, turns))
    after = [(w.start, w.stop, w.text, w.tokens) for piece in pieces for w in piece.words]
    assert after == [(w.start, w.stop, w.text, w.tokens) for part in said for w in part.words]
    assert "".join(piece.text for piece in pieces) == "".join(part.text for part in said)


@thorough
@given(spoken(), conversations)
def test_no_segment_carries_two_voices(said: list[Segment], turns: list[SpeakerTurn]) -> None:
    pieces = list(assign_speakers(said, turns))
    assert all(word.speaker == piece.speaker for piece in pieces for word in piece.words)
    starts = {part.words[0].start for part in said}
    for left, right in pairwise(pieces):
        assert left.speaker != right.speaker or right.start in starts


@thorough
@given(spoken(), conversations)
def test_the_order_of_turns_does_not_matter(said: list[Segment], turns: list[SpeakerTurn]) -> None:
    assert list(assign_speakers(said, turns)) == list(assign_speakers(said, turns[::-1]))


def test_a_word_goes_where_most_of_it_is_not_where_it_starts() -> None:
    said = [word("one", 0.0, 2.0), word("two.", 2.0, 4.0), word("three.", 3.9, 5.0)]
    assert voiced(said, turn(0, 4, 0), turn(4, 8, 1)) == [(" one two.", 0), (" three.", 1)]


def test_overlapping_turns_of_one_speaker_count_together() -> None:
    said = [word("mine.", 0.0, 3.0)]
    assert voiced(said, turn(0, 1, 0), turn(2, 3, 0), turn(1, 2.5, 1)) == [(" mine.", 0)]


def test_a_word_in_a_gap_goes_to_the_nearest_turn() -> None:
    said = [word("near.", 4.5, 4.8)]
    assert voiced(said, turn(0, 4, 0), turn(5, 9, 1)) == [(" near.", 1)]
    assert voiced(said, turn(0, 4, 0), turn(6, 9, 1)) == [(" near.", 0)]


def test_a_word_out_of_reach_goes_with_its_neighbours() -> None:
    said = [word("far", 0.0, 0.3), word("here", 5.0, 6.0), word("far", 9.0, 9.3)]
    assert voiced(said, turn(5, 6, 3)) == [(" far here far", 3)]


def test_a_segment_that_nobody_is_near_has_no_speaker() -> None:
    assert voiced(words("So far."), turn(50, 60, 0)) == [(" So far.", None)]


def test_the_edge_of_a_sentence_goes_to_its_speaker() -> None:
    said = words("Who are you? I am bob.", each=0.5)
    assert voiced(said, turn(0, 1.7, 0), turn(1.7, 4, 1)) == [(" Who are you?", 0), (" I am bob.", 1)]
    early = [(" Who are you?", 0), (" I am bob.", 1)]
    assert voiced(said, turn(0, 1.2, 0), turn(1.2, 4, 1)) == early
    assert voiced(said, turn(0, 1.8, 0), turn(1.8, 4, 1)) == early


def test_an_interjection_inside_anothers_turn_survives() -> None:
    said = words("I went to see the uh-huh old man there.", each=0.5)
    pieces = voiced(said, turn(0, 2.5, 0), turn(2.5, 3, 1), turn(3, 5, 0))
    assert pieces == [(" I went to see the", 0), (" uh-huh", 1), (" old man there.", 0)]


def test_words_said_over_each_other_go_to_who_holds_the_floor() -> None:
    said = words("I went to see the old man there.", each=0.5)
    assert voiced(said, turn(0, 4, 0), turn(1.5, 2, 1)) == [(" I went to see the old man there.", 0)]


def test_a_short_phrase_over_anothers_turn_goes_to_who_said_it() -> None:
    said = words("I think, yes, we should go there.", each=0.5)
    pieces = voiced(said, turn(0, 4, 0), turn(1.1, 1.6, 1))
    assert pieces == [(" I think,", 0), (" yes,", 1), (" we should go there.", 0)]
    assert voiced(words("Yes. I did.", each=0.5), turn(0, 2, 0), turn(0, 0.6, 1)) == [
        (" Yes.", 1),
        (" I did.", 0),
    ]


def test_a_phrase_that_is_more_than_what_was_interjected_stays() -> None:
    said = words("I think, yes of course we, should go there.", each=0.5)
    whole = [(" I think, yes of course we, should go there.", 0)]
    assert voiced(said, turn(0, 5, 0), turn(1.1, 1.6, 1)) == whole


def test_who_talks_on_over_another_does_not_interject() -> None:
    said = words("I think, yes of course we all of us really, should go there.", each=0.5)
    assert len(voiced(said, turn(0, 7, 0), turn(1, 5, 1))) == 1


def test_one_who_takes_over_from_another_keeps_the_words_after() -> None:
    said = [*words("I went to see.", each=0.5), *words("No you never did go there.", start=2, each=0.5)]
    pieces = voiced(said, turn(0, 2.3, 0), turn(1.8, 5, 1))
    assert pieces == [(" I went to see.", 0), (" No you never did go there.", 1)]


def test_a_change_in_the_middle_of_a_sentence_cuts_it() -> None:
    said = segment(words("Yes I do No you never did", each=1))
    left, right = assign_speakers([said], [turn(0, 3, 0), turn(3, 7, 1)])
    assert (left.text, left.stop, left.tokens) == (" Yes I do", 48_000, (3, 1, 2))
    assert (right.text, right.start, right.tokens) == (" No you never did", 48_000, (2, 3, 5, 3))
    assert left.avg_logprob == right.avg_logprob


@thorough
@given(spoken(), conversations)
def test_marks_decide_over_nothing_but_edges(said: list[Segment], turns: list[SpeakerTurn]) -> None:
    """A word with no change of speaker near goes to the turn it lies in, in text with marks and without."""
    changes = [moment for turn in turns for moment in (turn.start, turn.stop)]
    bare = [replace(w, text=w.text.strip(".?").lower()) for part in said for w in part.words]
    for segments in (said, [segment(bare)]):
        for spoken_word in (w for piece in assign_speakers(segments, turns) for w in piece.words):
            around = [t.speaker for t in turns if t.start < spoken_word.stop and spoken_word.start < t.stop]
            settled = all(
                moment <= spoken_word.start - EDGE or moment >= spoken_word.stop + EDGE for moment in changes
            )
            if settled and len(around) == 1:
                assert spoken_word.speaker == around[0]


@pytest.mark.parametrize("mark", ["", "。"])
@pytest.mark.parametrize("each", [0.2, 0.4])
def test_text_without_spaces_or_marks_keeps_its_speakers(mark: str, each: float) -> None:
    said = "今天天气很好我们去公园走走吧你觉得怎么样好啊我正想出门呢那就这么定了下午三点见吧"
    characters = [
        word(sign + (mark if n % 10 == 9 else ""), n * each, (n + 1) * each, space="")
        for n, sign in enumerate(said)
    ]
    turns = [turn(n * 10 * each, (n + 1) * 10 * each, n) for n in range(4)]
    pieces = list(assign_speakers([segment(characters)], turns))
    assert [(len(piece.words), piece.speaker) for piece in pieces] == [(10, n) for n in range(4)]


def test_a_long_run_without_marks_is_cut_at_every_turn() -> None:
    said = words("so " * 200, each=0.3)
    turns = [turn(n * 6, (n + 1) * 6, n % 2) for n in range(10)]
    pieces = list(assign_speakers([segment(said)], turns))
    assert [(len(piece.words), piece.speaker) for piece in pieces] == [(20, n % 2) for n in range(10)]


def test_a_short_answer_without_marks_amid_a_long_run_keeps_its_speaker() -> None:
    said = words("are you sure of it yes then go on with it", each=0.4)
    pieces = voiced(said, turn(0, 2, 0), turn(2, 2.4, 1), turn(2.4, 4.4, 0))
    assert pieces == [(" are you sure of it", 0), (" yes", 1), (" then go on with it", 0)]


def test_a_segment_without_words_goes_to_who_speaks_most_of_it() -> None:
    (bare,) = assign_speakers(
        [Segment(0, 16_000 * 10, " All.", (), (1,), 0, 0.0, -0.1, 1.0, 0.0)], [turn(0, 4, 0), turn(4, 9, 1)]
    )
    assert (bare.text, bare.speaker, bare.words) == (" All.", 1, ())
