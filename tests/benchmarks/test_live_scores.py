# ruff: noqa: E402 (the imports need the packages that are looked for first)
"""What is measured of live sessions, on cases small enough to work out by hand."""

from __future__ import annotations

import pytest

for package in ("jiwer", "meeteval", "psutil", "pyannote.metrics", "websockets", "whisper_normalizer"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -r requirements-bench.txt")

from benchmarks.live.excerpts import cuts
from benchmarks.live.measures import Lags, Said, TurnLags, lags, passages, turn_lags
from benchmarks.live.peers.agreement import LocalAgreement
from benchmarks.live.peers.whisperlivekit import settled_words
from benchmarks.live.player import TRANSCRIPTION, Received
from benchmarks.live.speakers import segment_turns
from benchmarks.live.told import LiveTurn, Told, changed_words, live_turns, told_words
from benchmarks.values import Turn

SAID = [
    Said("good", 1.0, 1.25),
    Said("morning", 1.25, 1.75),
    Said("all", 1.75, 2.0),
    Said("who", 4.0, 4.25),
    Said("speaks", 4.25, 4.75),
]


def delta(at: float, text: str, interim: str = "") -> Received:
    event = {"type": f"{TRANSCRIPTION}.delta", "item_id": "a", "delta": text, "interim": interim}
    return Received(at, event)


EVENTS = [
    Received(0.9, {"type": "input_audio_buffer.speech_started", "item_id": "a", "audio_start_ms": 700}),
    delta(1.5, "", " Good"),
    delta(2.5, " Good mourning"),
    Received(3.0, {"type": "input_audio_buffer.speech_stopped", "item_id": "a", "audio_end_ms": 2500}),
    delta(3.24, " all."),
    Received(
        3.25, {"type": f"{TRANSCRIPTION}.completed", "item_id": "a", "transcript": "Good morning, all."}
    ),
]


def test_a_turn_has_its_times_and_deltas() -> None:
    (turn,) = live_turns(EVENTS)
    assert (turn.start, turn.stop, turn.first_sign_at) == (0.7, 2.5, 1.5)
    assert (turn.stopped_at, turn.completed_at, turn.transcript) == (3.0, 3.25, "Good morning, all.")
    assert turn.deltas == [(1.5, ""), (2.5, " Good mourning"), (3.24, " all.")]


def test_a_word_is_told_when_a_delta_has_it_and_else_at_the_end() -> None:
    turns = live_turns(EVENTS)
    assert told_words(turns, "en") == [Told("good", 2.5), Told("morning", 3.25), Told("all", 3.25)]
    assert changed_words(turns, "en") == (1, 2)


def test_words_that_no_delta_told_and_turns_without_words_count_as_well() -> None:
    turns = [LiveTurn(0.0, completed_at=2.0, transcript="Yes."), LiveTurn(3.0, deltas=[(3.5, " no")])]
    turns[1].completed_at = 5.0
    assert told_words(turns, "en") == [Told("yes", 2.0)]
    assert changed_words(turns, "en") == (1, 1)


def test_lags_are_those_of_the_words_that_were_told_right() -> None:
    told = [
        Told("good", 2.0),
        Told("mourning", 2.0),
        Told("all", 3.5),
        Told("who", 5.0),
        Told("speaks", 6.75),
    ]
    assert lags(SAID, told) == Lags((1.0, 1.0), (0.75, 1.5, 0.75, 2.0), (1.5, 2.0))
    assert lags(SAID, []) == Lags()
    assert list(passages(SAID)) == [(0, 3), (3, 5)]
    assert list(passages([])) == []


def test_a_turn_is_late_by_what_was_said_in_it() -> None:
    turns = live_turns(EVENTS)
    assert turn_lags(SAID, turns) == TurnLags((0.5,), (0.25,), (1.25,))
    assert turn_lags(SAID[3:], turns) == TurnLags()


def test_excerpts_are_cut_where_nobody_speaks() -> None:
    ends = [(0, 4), (3, 9), (10, 12), (11, 20), (21, 30), (31, 33)]
    turns = [Turn(start, end, "A") for start, end in ends]
    assert [[turn.start for turn in group] for group in cuts(turns, 8)] == [[0, 3], [10, 11], [21]]


def test_a_segment_that_comes_again_replaces_the_first() -> None:
    def segment(number: str, speaker: str) -> Received:
        event = {"type": f"{TRANSCRIPTION}.segment", "id": number, "speaker": speaker, "text": "Yes."}
        return Received(1.0, {**event, "start": 1, "end": 2})

    found = segment_turns([segment("a", "A"), segment("b", "A"), segment("a", "B")])
    assert [turn.speaker for turn in found] == ["B", "A"]


def said(text: str, start: float = 0.0) -> list[Said]:
    return [Said(word, start + n, start + n + 0.8) for n, word in enumerate(text.split())]


def test_words_are_told_once_two_transcripts_agree_on_them() -> None:
    agreement = LocalAgreement()
    assert agreement.add(said("one two free")) == []
    assert agreement.add(said("one two three four")) == said("one two")
    assert agreement.add(said("one two three four five")) == said("three four", 2.0)
    assert agreement.finish() == said("five", 4.0)
    assert agreement.finish() == []


def test_words_told_that_a_transcript_repeats_are_not_told_again() -> None:
    agreement = LocalAgreement()
    for text in ("one two", "one two"):
        agreement.add(said(text))
    again = said("two three", 1.9)
    assert agreement.add(again) == []
    assert agreement.add(again) == again[1:]


def test_a_long_buffer_is_cut_behind_the_last_sentence_that_is_told() -> None:
    agreement = LocalAgreement()
    for _ in range(2):
        agreement.add(said("a b c d e f g h"))
    agreement.trim([2.8, 7.8, 16.0], 14.0)
    assert agreement.start == 0.0
    agreement.trim([2.8, 7.8, 16.0], 16.0)
    assert (agreement.start, agreement.prompt) == (7.8, "a b c d e f g h")


def test_a_word_of_a_text_that_is_sent_whole_counts_from_when_it_last_changed() -> None:
    texts = [(1.0, "good"), (2.0, "good mourning"), (3.0, "good morning all"), (4.0, "good morning all")]
    assert settled_words(texts) == [("good", 1.0), ("morning", 3.0), ("all", 3.0)]
    assert settled_words([]) == []
