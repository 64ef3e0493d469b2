"""Overlapping chunks into one transcript."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ChunkResult, ChunkSpeakers, Segment, SpokenLanguage, Voice, Word, seconds
from options import SpeakerCount
from tests.builders import chunks, result, segment, thorough, turn, word, words
from tests.transcript.overlapping_chunks import cut_anywhere, heard, seeds, spoken
from utils.chunk_merger import merge, merge_turns
from utils.speakers.embedding import pack
from utils.speakers.linking import link_speakers
from utils.transcript.segment_merger import SegmentMerger

ANY = SpeakerCount()


def merge_segments(results: Sequence[ChunkResult]) -> list[Segment]:
    """The segments of all chunks without what two of them heard twice."""
    merger = SegmentMerger()
    merged = [
        segment
        for result in results
        for segment in merger.feed(result.chunk, result.segments, result.chunk.heard.stop)
    ]
    return merged + merger.finish()


def spelling(words: list[Word]) -> list[str]:
    return ["".join(letter for letter in word.text.lower() if letter.isalnum()) for word in words]


def check_merge(said: list[Word], rng: random.Random) -> None:
    merged = merge_segments([heard(said, chunk, rng) for chunk in cut_anywhere(said, rng)])
    assert spelling([word for part in merged for word in part.words]) == spelling(said)
    for part in merged:
        assert part.text == "".join(word.text for word in part.words)
        assert part.tokens == tuple(token for word in part.words for token in word.tokens)


@thorough
@given(st.integers(1, 150), seeds, st.sampled_from([0.0, 1.0, 8.0]))
def test_any_cutting_merges_back_to_the_same_words(count: int, seed: int, pauses: float) -> None:
    rng = random.Random(seed)
    check_merge(spoken([f"w{n}" for n in range(count)], rng, 0.05, pauses), rng)


@thorough
@given(st.integers(1, 150), seeds, st.sampled_from([0.0, 1.0, 8.0]))
def test_common_words_merge_back(count: int, seed: int, pauses: float) -> None:
    rng = random.Random(seed)
    vocabulary = ["the", "a", "of", "it", "and", "no", "yes", "we", "go", "on", "so"]
    talk = [text for text, _ in groupby(rng.choices(vocabulary, k=count))]
    check_merge(spoken(talk, rng, 0.2, pauses), rng)


@thorough
@given(st.integers(1, 100), st.integers(1, 3), seeds, st.sampled_from([0.0, 1.0, 8.0]))
def test_repeated_words_merge_back(count: int, period: int, seed: int, pauses: float) -> None:
    rng = random.Random(seed)
    chant = [("no", "never", "stop")[n % period] for n in range(count)]
    check_merge(spoken(chant, rng, 0.6, pauses), rng)


def lines(*heard: list[Segment]) -> list[str]:
    """Texts of the merged segments of chunks that are cut at 10 s, 20 s, … with 2 s of overlap."""
    cut = chunks([10.0 * n for n in range(len(heard) + 1)], 1)
    merged = merge_segments([result(chunk, of) for chunk, of in zip(cut, heard, strict=True)])
    return [part.text for part in merged]


def test_a_sentence_that_a_cut_goes_through_is_whole_again() -> None:
    left = segment(words("We never meant to go", start=8.6))
    right = segment(words("Meant, to go home.", start=9.4))
    assert lines([left], [right]) == [" We never meant to go home."]


def test_sentences_on_either_side_of_a_cut_stay_apart() -> None:
    left = [segment(words("It ended.", start=9.0)), segment(words("Then", start=10.0))]
    right = [segment(words("Then it began.", start=10.0))]
    assert lines(left, right) == [" It ended.", " Then it began."]


def test_a_pause_at_the_cut_keeps_segments_apart() -> None:
    assert lines([segment(words("and so", start=8.0))], [segment(words("we went", start=10.5))]) == [
        " and so",
        " we went",
    ]


def test_without_a_word_in_common_the_cut_decides() -> None:
    left = segment(words("one two three four five", start=8.5, each=0.5))
    right = segment(words("six seven eight nine", start=9.0, each=0.5))
    assert lines([left], [right]) == [" one two three eight nine"]


def test_segments_without_words_are_taken_from_the_chunk_that_owns_their_middle() -> None:
    def without_words(text: str, start: float, stop: float) -> Segment:
        return replace(segment([word(text, start, stop)]), words=())

    left = [without_words("a", 2, 8), without_words("b", 8.5, 10.5), without_words("c", 10.4, 11)]
    right = [without_words("b", 9, 10.6), without_words("c", 10.4, 11.2), without_words("d", 11, 14)]
    assert lines(left, right) == [" a", " b", " c", " d"]


def test_nothing_heard_gives_no_segments() -> None:
    assert merge_segments([]) == []
    assert lines([], [], []) == []


VOICES = {name: pack(direction) for name, direction in zip(("ann", "bob", "cy"), np.eye(4), strict=False)}


def speakers(turns: list[tuple[float, float, str]]) -> ChunkSpeakers:
    """Local numbers in reverse order of names, so that they say nothing across chunks."""
    names = sorted({name for _, _, name in turns}, reverse=True)
    return ChunkSpeakers(
        tuple(turn(start, stop, names.index(name)) for start, stop, name in turns),
        tuple(Voice(n, seconds(30), VOICES[name]) for n, name in enumerate(names)),
    )


def turns_of(*heard: list[tuple[float, float, str]]) -> list[tuple[float, float, int]]:
    cut = chunks([100.0 * n for n in range(len(heard) + 1)], 5)
    results = [result(c, (), speakers(of)) for c, of in zip(cut, heard, strict=True)]
    merged = merge_turns(results, link_speakers([r.speakers for r in results], ANY))
    return [(turn.start / 16_000, turn.stop / 16_000, turn.speaker) for turn in merged]


def test_turns_are_clipped_to_their_chunks_and_joined_at_the_cut() -> None:
    left = [(0.0, 40.0, "ann"), (40.0, 104.0, "bob")]
    right = [(95.0, 130.0, "bob"), (130.0, 190.0, "cy"), (150.0, 160.0, "bob")]
    (ann, bob, cy, bob_again) = turns_of(left, right)
    assert [ann[:2], bob[:2], cy[:2], bob_again[:2]] == [(0, 40), (40, 130), (130, 190), (150, 160)]
    assert bob[2] == bob_again[2]
    assert len({ann[2], bob[2], cy[2]}) == 3


def test_people_who_talk_over_each_other_keep_their_turns_through_a_cut() -> None:
    both = [(60.0, 105.0, "ann"), (80.0, 105.0, "bob")]
    right = [(95.0, 140.0, "ann"), (95.0, 120.0, "bob"), (110.0, 112.0, "cy")]
    ann, bob, cy = turns_of(both, right)
    assert [ann[:2], bob[:2], cy[:2]] == [(60, 140), (80, 120), (110, 112)]


def test_of_the_turns_in_the_overlap_only_what_a_chunk_owns_is_kept() -> None:
    left = [(0.0, 104.0, "ann"), (101.0, 105.0, "bob")]
    assert [turn[:2] for turn in turns_of(left, [])] == [(0, 100)]


def test_speakers_are_numbered_by_their_first_words() -> None:
    left, right = chunks([0, 100, 200], 5)
    first = [(1.0, 20.0, "cy"), (30.0, 60.0, "bob")]  # cy only coughs
    second = [(110.0, 140.0, "ann"), (150.0, 180.0, "bob")]
    results = [
        result(left, [segment(words("I am bob.", start=35))], speakers(first)),
        result(right, [segment(words("I am ann.", start=120))], speakers(second)),
    ]
    merged = merge(results, merge_segments(results), ANY)
    assert [(part.text, part.speaker) for part in merged.segments] == [
        (" I am bob.", 0),
        (" I am ann.", 1),
    ]
    assert [turn.speaker for turn in merged.turns] == [2, 0, 1, 0]
    assert all(word.speaker == part.speaker for part in merged.segments for word in part.words)
    assert merged.num_samples == seconds(200)


@pytest.mark.parametrize("given", [[None], [None, "de", "en"]])
def test_the_language_is_the_first_that_was_heard(given: list[str | None]) -> None:
    cut = chunks([10.0 * n for n in range(len(given) + 1)], 1)
    results = [replace(result(c), language=code) for c, code in zip(cut, given, strict=True)]
    assert merge(results, [], ANY).language == (given[1] if len(given) > 1 else None)


def test_the_main_language_is_the_one_spoken_most() -> None:
    first, second = chunks([0, 10, 20], 1)
    spoken = [
        replace(segment(words(text, at)), language=code)
        for text, at, code in (("a b", 0, "en"), ("c d e", 2, "de"), ("f", 12, "en"), ("g h", 14, "de"))
    ]
    merged = merge([result(first), result(second)], spoken, ANY)
    assert merged.language == "de"
    assert merged.languages == (SpokenLanguage("de", seconds(2.0)), SpokenLanguage("en", seconds(1.2)))


def test_no_chunks_are_an_empty_transcript() -> None:
    empty = merge([], [], ANY)
    assert (empty.num_samples, empty.segments, empty.turns, empty.language) == (0, (), (), None)
