"""Known voices and the speakers they name."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ChunkSpeakers, Embedding, KnownVoice, KnownVoices, Voice
from tests.builders import thorough
from utils.speakers.embedding import pack, unpack
from utils.speakers.labels import speaker_label
from utils.speakers.voice_matching import match_voices, mean_speakers

angles = st.lists(st.integers(0, 360), max_size=4)


def at(degrees: float) -> Embedding:
    return pack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def cosine(one: Embedding, other: Embedding) -> float:
    return float(np.vdot(*unpack([one, other])))


def known(threshold: float, *degrees: float) -> KnownVoices:
    return KnownVoices(tuple(KnownVoice(f"n{n}", at(d)) for n, d in enumerate(degrees)), threshold)


def excess(speakers: dict[int, Embedding], of: KnownVoices, named: dict[int, str]) -> float:
    voices = {voice.name: voice.embedding for voice in of.voices}
    return sum(cosine(speakers[s], voices[name]) - of.threshold for s, name in named.items())


@thorough
@given(angles, angles, st.sampled_from([-0.5, 0.0, 0.5, 0.9]))
def test_no_other_pairing_is_better(heard: list[int], given_: list[int], threshold: float) -> None:
    speakers = {number: at(degrees) for number, degrees in enumerate(heard)}
    of = known(threshold, *given_)
    named = match_voices(speakers, of)
    assert len(set(named.values())) == len(named)
    voices = {voice.name: voice.embedding for voice in of.voices}
    assert all(cosine(speakers[s], voices[name]) >= threshold - 1e-6 for s, name in named.items())
    slots = [*voices, *[None] * len(speakers)]
    every = (dict(zip(speakers, order, strict=False)) for order in permutations(slots, len(speakers)))
    best = max(
        sum(max(excess(speakers, of, {s: name}), 0.0) for s, name in pairing.items() if name)
        for pairing in every
    )
    assert excess(speakers, of, named) == pytest.approx(best, abs=1e-6)


def test_a_voice_that_is_not_alike_enough_takes_no_name() -> None:
    assert match_voices({0: at(0), 1: at(90)}, known(0.7, 44)) == {0: "n0"}
    assert match_voices({0: at(0), 1: at(90)}, known(0.75, 44)) == {}


def test_a_name_goes_to_one_speaker_only() -> None:
    assert match_voices({3: at(10), 5: at(0)}, known(0.5, 1)) == {5: "n0"}


def test_a_speaker_of_many_chunks_has_the_mean_of_their_voices() -> None:
    chunks = [
        ChunkSpeakers(voices=(Voice(0, 3, at(0)), Voice(1, 5, at(200)))),
        ChunkSpeakers(voices=(Voice(0, 1, at(90)),)),
    ]
    means = mean_speakers(chunks, [{0: 7, 1: 2}, {0: 7}])
    assert unpack([means[7], means[2]]) == pytest.approx(unpack([pack([3, 1]), at(200)]))


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ((), ["A", "B", "C"]),
        ((None, "Ann"), ["A", "Ann", "B"]),
        (("Ann", None, "Bob"), ["Ann", "A", "Bob"]),
        (("A", None, None), ["A", "B", "C"]),
        ((None, None, "A"), ["B", "C", "A"]),
    ],
)
def test_who_has_no_name_takes_the_next_letter(names: tuple[str | None, ...], labels: list[str]) -> None:
    assert [speaker_label(number, names) for number in range(3)] == labels
