from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import SAMPLE_RATE, ChunkSpeakers, SpeakerTurn, Voice
from options import SpeakerCount
from utils.speakers.embedding import pack
from utils.speakers.linking import link_speakers, resolve_speakers

ANY = SpeakerCount()
STEP = 60 * SAMPLE_RATE


def voice_of(person: int, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    row = np.eye(64)[person] + noise * rng.normal(size=64) / 8
    return np.asarray(row / np.linalg.norm(row))


def chunk_of(index: int, voices: dict[int, np.ndarray], seconds: float = 20.0) -> ChunkSpeakers:
    """Local speakers who talk one after the other, in the order given."""
    length, start = int(seconds * SAMPLE_RATE), index * STEP
    turns = tuple(
        SpeakerTurn(start + place * length, start + (place + 1) * length, speaker)
        for place, speaker in enumerate(voices)
    )
    rows = (Voice(speaker, length, pack(row)) for speaker, row in voices.items())
    return ChunkSpeakers(turns, tuple(rows))


@st.composite
def recordings(draw: st.DrawFn) -> list[ChunkSpeakers]:
    people = st.lists(st.integers(0, 7), unique=True, max_size=4)
    casts = draw(st.lists(people, max_size=6))
    noise = draw(st.floats(0, 2))
    return [
        chunk_of(index, {local: voice_of(who, noise, 31 * index + local) for local, who in enumerate(cast)})
        for index, cast in enumerate(casts)
    ]


def test_a_voice_keeps_its_number_over_all_chunks() -> None:
    casts = [[0, 1], [1, 0], [2], [], [0, 2, 1]]
    chunks = [
        chunk_of(i, {n: voice_of(who, 0.5, 9 * i + n) for n, who in enumerate(cast)})
        for i, cast in enumerate(casts)
    ]
    assert link_speakers(chunks, ANY) == [{0: 0, 1: 1}, {0: 1, 1: 0}, {0: 2}, {}, {0: 0, 1: 2, 2: 1}]


@given(recordings(), st.integers(1, 5))
def test_speakers_of_one_chunk_stay_apart(chunks: list[ChunkSpeakers], least: int) -> None:
    for mapping in link_speakers(chunks, SpeakerCount(least)):
        assert len(set(mapping.values())) == len(mapping)


@given(recordings(), st.integers(1, 5), st.integers(0, 4))
def test_the_count_is_obeyed(chunks: list[ChunkSpeakers], least: int, spare: int) -> None:
    links = link_speakers(chunks, SpeakerCount(least, least + spare))
    numbers = {number for mapping in links for number in mapping.values()}
    assert min(least, sum(map(len, links))) <= len(numbers) <= least + spare


@given(recordings())
def test_numbers_follow_the_first_appearance(chunks: list[ChunkSpeakers]) -> None:
    links = link_speakers(chunks, ANY)
    heard = [
        mapping[turn.speaker] for chunk, mapping in zip(chunks, links, strict=True) for turn in chunk.turns
    ]
    assert list(dict.fromkeys(heard)) == list(range(len(set(heard))))


@settings(deadline=None)
@given(recordings(), st.randoms(use_true_random=False))
def test_local_numbers_mean_nothing(chunks: list[ChunkSpeakers], random: object) -> None:
    def renumber(chunk: ChunkSpeakers) -> ChunkSpeakers:
        turns = tuple(SpeakerTurn(turn.start, turn.stop, 50 - turn.speaker) for turn in chunk.turns)
        return ChunkSpeakers(
            turns, tuple(Voice(50 - v.speaker, v.num_samples, v.embedding) for v in chunk.voices)
        )

    plain = link_speakers(chunks, ANY)
    renumbered = link_speakers([renumber(chunk) for chunk in chunks], ANY)
    assert [{50 - local: number for local, number in mapping.items()} for mapping in renumbered] == plain


@pytest.mark.parametrize("number", [1, 2, 5])
def test_one_chunk_keeps_its_speakers(number: int) -> None:
    chunk = chunk_of(0, {local: voice_of(0, 0.1, local) for local in range(number)})
    assert link_speakers([chunk], SpeakerCount(number, number)) == [{local: local for local in range(number)}]


def test_a_maximum_gives_up_the_smallest() -> None:
    main = chunk_of(0, {0: voice_of(0), 1: voice_of(1)})
    scrap = chunk_of(1, {0: 0.4 * voice_of(0) + 0.9 * voice_of(2)}, seconds=2)
    assert link_speakers([main, scrap], ANY)[1] == {0: 2}
    assert link_speakers([main, scrap], SpeakerCount(1, 2)) == [{0: 0, 1: 1}, {0: 0}]


@pytest.mark.parametrize(("seconds", "people"), [(2, 1), (60, 2)])
def test_who_says_little_proves_a_further_speaker_less(seconds: float, people: int) -> None:
    """Voices that are alike by half."""
    half = 0.5 * voice_of(0) + 3**0.5 / 2 * voice_of(1)
    main, other = chunk_of(0, {0: voice_of(0)}, seconds=60), chunk_of(1, {0: half}, seconds=seconds)
    assert len({link[0] for link in link_speakers([main, other], ANY)}) == people


def test_talking_in_the_overlap_of_two_chunks_links_doubtful_voices() -> None:
    between = 0.45 * voice_of(0) + 0.45 * voice_of(1) + 0.77 * voice_of(2)
    one = chunk_of(0, {0: voice_of(0), 1: voice_of(1)}, seconds=30)
    heard_again = ChunkSpeakers(
        (SpeakerTurn(one.turns[1].start, one.turns[1].stop, 0),),
        (Voice(0, STEP, pack(between)),),
    )
    assert link_speakers([one, heard_again], ANY) == [{0: 0, 1: 1}, {0: 1}]


@pytest.mark.parametrize(("same_voice", "people"), [(0.5, 1), (0.7, 2)])
def test_who_makes_the_voices_says_how_alike_they_are(same_voice: float, people: int) -> None:
    nobody = ChunkSpeakers()
    voices = [voice_of(0), 0.6 * voice_of(0) + 0.8 * voice_of(1)]
    chunks = [replace(chunk_of(n, {0: voice}), same_voice=same_voice) for n, voice in enumerate(voices)]
    links = link_speakers([nobody, *chunks], ANY)
    assert len({number for mapping in links for number in mapping.values()}) == people


def test_a_day_of_forty_people_is_linked_to_forty() -> None:
    chunks = [
        chunk_of(i, {n: voice_of((i + n) % 40, 0.4, 7 * i + n) for n in range(6)}, seconds=10)
        for i in range(150)
    ]
    links = link_speakers(chunks, ANY)
    assert len({number for mapping in links for number in mapping.values()}) == 40


@given(recordings(), st.integers(1, 6), st.integers(0, 3))
def test_the_count_is_of_the_recording_however_few_a_chunk_hears(
    chunks: list[ChunkSpeakers], least: int, spare: int
) -> None:
    def finer(index: int) -> ChunkSpeakers:
        return chunk_of(index, {local: voice_of(local, 0.5, 31 * index + local) for local in range(least)})

    heard = [
        replace(chunk, finer=finer(index)) if 0 < len(chunk.voices) < least else chunk
        for index, chunk in enumerate(chunks)
    ]
    resolved, links = resolve_speakers(heard, SpeakerCount(least, least + spare))
    numbers = {number for mapping in links for number in mapping.values()}
    assert len(numbers) >= least or not any(chunk.voices for chunk in chunks)
    assert len(numbers) <= least + spare
    assert [set(mapping) for mapping in links] == [{v.speaker for v in chunk.voices} for chunk in resolved]


def test_nobody_is_split_where_all_chunks_together_hold_enough() -> None:
    split = chunk_of(0, {0: voice_of(0, 0.5, 1), 1: voice_of(0, 0.5, 2)})
    one, other = (replace(chunk_of(n, {0: voice_of(n)}), finer=split) for n in range(2))
    assert resolve_speakers([one, other], SpeakerCount(2)) == ([one, other], [{0: 0}, {0: 1}])


def test_who_was_taken_for_another_is_found_where_somebody_is_missing() -> None:
    """Two voices pass for one in the first chunk; the second, too, is told apart finely, but one too much."""

    def chunk(index: int, people: list[int], taken_for: list[int]) -> ChunkSpeakers:
        voices = {local: voice_of(who, 0.3, 10 * index + local) for local, who in enumerate(people)}
        finer = chunk_of(index, voices)
        turns = tuple(replace(turn, speaker=taken_for[turn.speaker]) for turn in finer.turns)
        coarse = chunk_of(index, {local: voice_of(local) for local in set(taken_for)})
        return replace(coarse, turns=turns, finer=finer)

    chunks = [chunk(0, [0, 1, 2], [0, 1, 1]), chunk(1, [0, 0, 1], [0, 0, 1])]
    resolved, links = resolve_speakers(chunks, SpeakerCount(3, 3))
    assert resolved == [found.finer for found in chunks]
    assert links == [{0: 0, 1: 1, 2: 2}, {0: 0, 1: 0, 2: 1}]


def test_speakers_of_one_chunk_stay_apart_however_unequal_their_speech() -> None:
    same = voice_of(0)
    alone, pair = chunk_of(0, {0: same}), chunk_of(2, {0: same, 1: same})
    days = 2 * 24 * 3600 * SAMPLE_RATE
    for shortest in (1, 30, 3000):
        chunks = [
            replace(alone, voices=(replace(alone.voices[0], num_samples=days),)),
            replace(pair, voices=(replace(pair.voices[0], num_samples=shortest), pair.voices[1])),
        ]
        _, mapping = link_speakers(chunks, ANY)
        assert mapping[0] != mapping[1]
