from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models import SAMPLE_RATE, ChunkSpeakers, SpeakerTurn, Voice
from utils.live.told_turns import ToldTurns
from utils.speakers.activity import speaking_time
from utils.speakers.embedding import pack

Rows = list[tuple[float, float, int]]
PEOPLE = 24


def chunk_of(rows: Rows, renamed: dict[int, int] | None = None) -> ChunkSpeakers:
    """A chunk in which each person talks from and to these seconds, under any numbers."""
    turns = tuple(
        SpeakerTurn(
            round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE), (renamed or {}).get(person, person)
        )
        for start, stop, person in rows
    )
    persons = {turn.speaker: person for turn, (*_, person) in zip(turns, rows, strict=True)}
    spoken = speaking_time(turns)
    return ChunkSpeakers(turns, tuple(Voice(s, spoken[s], voice_of(persons[s])) for s in sorted(spoken)))


def voice_of(person: int) -> bytes:
    return pack(np.eye(PEOPLE)[person])


def told(turns: ToldTurns) -> Rows:
    return [(turn.start / SAMPLE_RATE, turn.stop / SAMPLE_RATE, turn.speaker) for turn in turns.turns]


@st.composite
def tellings(draw: st.DrawFn, people: int) -> list[tuple[ChunkSpeakers, int]]:
    """An open chunk told apart again and again: each time anybody may turn out to be anybody."""
    stops = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    pieces: list[list[tuple[float, float]]] = []
    found = []
    until = 0.0
    for length in stops:
        voices = draw(st.integers(0, 3))
        pieces.append(
            [(until + draw(st.sampled_from([0.0, 0.3])) * n, until + length) for n in range(voices)]
        )
        until += length
        rows: Rows = []
        for spans in pieces:
            order = draw(st.permutations(range(people)))
            rows += [(start, stop, person) for (start, stop), person in zip(spans, order, strict=False)]
        found.append((chunk_of(sorted(rows)), round(until * SAMPLE_RATE)))
    return found


@given(st.data(), st.sampled_from([None, 3, 4]))
@settings(max_examples=50)
def test_what_was_told_stays_and_nobody_talks_twice_at_once(data: st.DataObject, maximum: int | None) -> None:
    found = data.draw(tellings(maximum or 5))
    turns, before = ToldTurns(maximum), np.zeros((0, PEOPLE), bool)
    for chunk, until in found:
        turns.tell(chunk, until)
        now = table(turns, until)
        assert np.array_equal(now[: len(before)], before)
        before = now
        for one, other in combinations(turns.turns, 2):
            assert one.speaker != other.speaker or min(one.stop, other.stop) <= max(one.start, other.start)
        assert maximum is None or all(turn.speaker < maximum for turn in turns.turns)
    numbers = list(dict.fromkeys(turn.speaker for turn in turns.turns))
    assert sorted(numbers) == list(range(len(numbers)))


def table(turns: ToldTurns, until: int) -> np.ndarray:
    """(tenths of a second, people): who was told to talk."""
    talks = np.zeros((until * 10 // SAMPLE_RATE, PEOPLE), bool)
    for turn in turns.turns:
        talks[turn.start * 10 // SAMPLE_RATE : turn.stop * 10 // SAMPLE_RATE, turn.speaker] = True
    return talks


@given(st.permutations(range(3)), st.permutations(range(3)))
def test_the_numbers_inside_a_chunk_do_not_matter(first: list[int], second: list[int]) -> None:
    rows = [(0.0, 4.0, 0), (4.0, 9.0, 1), (9.0, 12.0, 2), (12.0, 15.0, 0)]
    turns = ToldTurns(None)
    turns.tell(chunk_of(rows[:2], dict(enumerate(first))), 8 * SAMPLE_RATE)
    turns.tell(chunk_of(rows, dict(enumerate(second))), 15 * SAMPLE_RATE)
    assert told(turns) == rows


def test_speakers_of_a_telling_are_those_told_before_with_whom_they_share_most_time() -> None:
    turns = ToldTurns(None)
    turns.tell(chunk_of([(0, 5, 3), (5, 8, 4)]), 8 * SAMPLE_RATE)
    # Heard again, the first two turns are one person's, and what followed is another's.
    turns.tell(chunk_of([(0, 8, 5), (8, 12, 6), (12, 14, 5)]), 14 * SAMPLE_RATE)
    assert told(turns) == [(0, 5, 0), (5, 8, 1), (8, 12, 2), (12, 14, 0)]
    assert [turn.speaker for turn in turns.latest] == [0, 2, 0]


def test_a_speaker_who_has_only_begun_is_told_when_more_is_heard_or_the_turn_is_over() -> None:
    turns = ToldTurns(None)
    turns.tell(chunk_of([(0, 5, 0), (5, 7, 1)]), 6 * SAMPLE_RATE)
    assert (told(turns), turns.until) == ([(0, 5, 0)], 5 * SAMPLE_RATE)
    turns.tell(chunk_of([(0, 5, 0), (5, 9, 1)]), 8 * SAMPLE_RATE)
    turns.tell(chunk_of([(0, 5, 0), (5, 9, 1), (9, 10, 0)]), 10 * SAMPLE_RATE)
    assert told(turns) == [(0, 5, 0), (5, 9, 1), (9, 10, 0)]


def test_a_scrap_of_voice_is_nobody_new() -> None:
    turns = ToldTurns(None)
    turns.tell(chunk_of([(0, 5, 0)]), 5 * SAMPLE_RATE)
    turns.tell(chunk_of([(0, 5, 0), (5, 5.5, 1)]), 6 * SAMPLE_RATE)
    assert told(turns) == [(0, 5.5, 0)]
    turns.tell(chunk_of([(0, 5, 0), (5, 8, 1)]), 8 * SAMPLE_RATE)
    assert told(turns) == [(0, 5.5, 0), (6, 8, 1)]


def test_who_talks_at_the_same_time_is_somebody_else_however_little() -> None:
    turns = ToldTurns(None)
    turns.tell(chunk_of([(0, 5, 0), (4, 5, 1)]), 5 * SAMPLE_RATE)
    assert told(turns) == [(0, 5, 0), (4, 5, 1)]


def test_who_returns_after_many_chunks_keeps_the_number() -> None:
    turns = ToldTurns(None)
    for index, person in enumerate([7, 3, 5, 3, 7]):
        start = index * 60
        turns.tell(chunk_of([(start, start + 30, person)]), (start + 40) * SAMPLE_RATE)
        turns.close((start + 60) * SAMPLE_RATE)
        assert not turns.turns
    assert [voice.speaker for voice in turns.voices] == [0, 1, 2]
    turns.tell(chunk_of([(300, 310, 5), (310, 320, 3), (320, 330, 7)]), 330 * SAMPLE_RATE)
    assert [turn.speaker for turn in turns.turns] == [2, 1, 0]


def test_there_is_no_cap_but_that_of_the_caller() -> None:
    rows = [(4.0 * person, 4.0 * person + 4, person) for person in range(PEOPLE)]
    for maximum in (None, 5):
        turns = ToldTurns(maximum)
        for number in range(1, PEOPLE + 1):
            turns.tell(chunk_of(rows[:number]), 4 * number * SAMPLE_RATE)
        assert len({turn.speaker for turn in turns.turns}) == (maximum or PEOPLE)
