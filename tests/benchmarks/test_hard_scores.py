# ruff: noqa: E402 (the imports need the packages that are looked for first)
"""Schedules and scores of the hard evaluation set, on cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

for package in ("jiwer", "meeteval", "psutil", "pyannote.metrics", "scipy", "whisper_normalizer"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -r requirements-bench.txt")

from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Segment, Timeline

from benchmarks.alignment import align, merge_turns
from benchmarks.hard.material import Phrase, Voice
from benchmarks.hard.schedule import Pace, converse, place, scatter
from benchmarks.recognition.coverage import find_missed
from benchmarks.recognition.languages import score_languages
from benchmarks.speakers.pairing import SpeakerCounts, count_speakers, edge_errors, pair_speakers
from benchmarks.text_scores import Errors
from benchmarks.values import Turn
from models import SAMPLE_RATE

RNG = np.random.default_rng(0)


def phrase(speaker: str, seconds: float) -> Phrase:
    samples = RNG.normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)
    samples[: SAMPLE_RATE // 10] = samples[-SAMPLE_RATE // 10 :] = 0
    return Phrase(speaker, "en", f"{speaker} speaks", samples)


def voice(speaker: str) -> Voice:
    return Voice(speaker, "en", tuple((phrase(speaker, 1.0), phrase(speaker, 1.5)) for _ in range(4)))


VOICES = [voice(name) for name in "abc"]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_nobody_overlaps_himself_and_no_three_speak_at_once(seed: int, share: float) -> None:
    rng, pace = np.random.default_rng(seed), Pace(overlap_share=share)
    lines = place(converse(VOICES, 12, pace, rng), pace, rng)
    assert {line.phrase.speaker for line in lines} == {"a", "b", "c"}
    for number, line in enumerate(lines):
        before = lines[:number]
        assert all(other.end <= line.start + 1e-6 for other in before[:-1])
        assert all(
            other.end <= line.start + 1e-6 for other in before if other.phrase.speaker == line.phrase.speaker
        )


def test_no_phrase_is_said_twice() -> None:
    phrases = converse(VOICES, 1000, Pace(), np.random.default_rng(1))
    assert len({phrase.samples.tobytes() for phrase in phrases}) == len(phrases)
    assert 20 < sum(phrase.seconds for phrase in phrases) < 3 * 10


def test_extra_turns_stay_apart_from_the_same_speaker() -> None:
    main = [phrase(name, 1) for name in "ababab"]
    for seed in range(20):
        scattered = scatter(main, [phrase("c", 1), phrase("c", 1)], np.random.default_rng(seed))
        names = "".join(item.speaker for item in scattered)
        assert "cc" not in names
        assert names.count("c") == 2


def test_alignment_gives_each_word_its_reference() -> None:
    steps = list(align(["a", "b", "c", "d"], ["a", "x", "c", "y", "z", "d"]))
    assert steps[0] == ("equal", 0, 0)
    assert ("equal", 2, 2) in steps
    assert ("equal", 3, 5) in steps
    assert sorted(match for kind, _, match in steps if kind != "delete") == list(range(6))
    assert list(align(["a"], [])) == [("delete", 0, 0)]


def test_consecutive_turns_of_a_speaker_are_one() -> None:
    turns = [Turn(0, 1, "A", "one"), Turn(1.2, 2, "A", "two"), Turn(2, 3, "B", "three")]
    assert merge_turns(turns) == [Turn(0, 2, "A", "one two"), Turn(2, 3, "B", "three")]


def test_errors_belong_to_the_language_of_their_turn() -> None:
    turns = [("en", "good day dear sir"), ("de", "guten Tag lieber Herr"), ("it", "buon giorno a tutti")]
    scores = score_languages(turns, "Good day, dear sir. Buon giorno a tutte.")
    assert {name: (score.errors, score.lost) for name, score in scores.items()} == {
        "en": (Errors(0, 4), 0),
        "de": (Errors(4, 4), 1),
        "it": (Errors(1, 4), 0),
    }


def test_missed_speech_lies_between_words_within_turns_of_both() -> None:
    whole = Timeline([Segment(0, 20)])
    speech = Timeline([Segment(0, 9), Segment(10, 20)])
    words = Timeline([Segment(0, 4), Segment(8, 12), Segment(14, 15)])
    # Without a word: 4 to 8 s, 12 to 14 s and 15 to 20 s; the last only until the answer's turn ends.
    coverage = find_missed(speech, whole, Timeline([Segment(0, 18)]), words)
    assert (coverage.speech, coverage.missed) == (19, (4, 3))
    assert find_missed(speech, whole, Timeline([Segment(0, 17)]), words).missed == (4,)
    # The pause counts for nothing, but does not divide the stretch.
    assert find_missed(speech, whole, whole, Timeline([Segment(0, 8), Segment(12, 20)])).missed == (3,)


REFERENCE = [Turn(0, 10, "ann"), Turn(10, 20, "bob"), Turn(20, 23, "cy")]
SPEECH = {"ann": 10.0, "bob": 10.0, "cy": 3.0}


def test_small_speakers_are_found_and_not_counted() -> None:
    turns = [Turn(0, 10, "1"), Turn(10, 20, "2"), Turn(20, 23, "3")]
    assert count_speakers(turns, REFERENCE, SPEECH) == SpeakerCounts(2, 2, 1, 1)
    swallowed = [Turn(0, 10, "1"), Turn(10, 23, "2")]
    assert count_speakers(swallowed, REFERENCE, SPEECH) == SpeakerCounts(2, 2, 1, 0)


def test_part_of_another_voice_is_an_extra_speaker() -> None:
    # The third speaker is Ann for the most part, and touches Cy.
    turns = [Turn(0, 6, "1"), Turn(6, 10, "3"), Turn(10, 20, "2"), Turn(20, 21, "3")]
    assert count_speakers(turns, REFERENCE, SPEECH) == SpeakerCounts(2, 3, 1, 0)
    assert count_speakers([Turn(0, 23, "1")], REFERENCE, SPEECH).counted == 1
    assert count_speakers([], REFERENCE, SPEECH) == SpeakerCounts(2, 0, 1, 0)


def test_speakers_are_paired_for_the_greatest_total() -> None:
    assert pair_speakers({("1", "a"): 5, ("1", "b"): 4, ("2", "a"): 4}) == {"1": "b", "2": "a"}


def test_edge_words_of_the_wrong_speaker_are_counted() -> None:
    reference = [Turn(0, 3, "ann", "one red two blue green"), Turn(3, 6, "bob", "three four cat six dog")]
    words = [(word, "A") for word in ["one", "red", "two", "blue", "green", "three"]]
    words += [(word, "B") for word in ["four", "cat", "six", "cow"]]
    # Of eight edge words "dog" is not recognised, and "three" is given to Ann.
    assert edge_errors(reference, words, "en") == Errors(1, 7)


def test_turns_that_overlap_have_no_edges() -> None:
    reference = [Turn(0, 3, "ann", "one red two"), Turn(2, 6, "bob", "blue four cat")]
    assert edge_errors(reference, [("one", "A")], "en") == Errors(0, 0)
