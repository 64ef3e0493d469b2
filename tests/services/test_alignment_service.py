"""Segments through alignment, with a model that says what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exceptions import ModelFailedError, ModelUnavailableError
from models import Audio, AudioClip, Segment, seconds
from seams import CtcModel
from services.alignment_service import MARGIN, AlignmentService
from tests.builders import segment, thorough, words
from tests.fakes import ScriptedCtc
from utils.model_manager import ModelSlot, ModelSource
from utils.words.ctc_viterbi import TokenSpan

SURE = -0.1
UNSURE = -9.0

Placing = Callable[[Audio, Sequence[int]], tuple[TokenSpan, ...] | None]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> AudioClip:
    path: Path = tmp_path_factory.mktemp("clip") / "audio.s16"
    np.zeros(seconds(10), "<i2").tofile(path)
    return AudioClip(path, seconds(10))


def align(clip: AudioClip, segments: Sequence[Segment], load: Callable[[], CtcModel]) -> list[Segment]:
    slot: ModelSlot[CtcModel] = ModelSlot("alignment", ModelSource("ctc", load))
    try:
        return asyncio.run(AlignmentService(slot).align(clip, segments, "en"))
    finally:
        slot.close()


def align_by(clip: AudioClip, segments: Sequence[Segment], place: Placing) -> list[Segment]:
    return align(clip, segments, lambda: ScriptedCtc(place))


def with_own_times(aligned: Sequence[Segment], own: Sequence[Segment]) -> list[Segment]:
    """`aligned` with the times of `own`, which must be all that differs."""
    return [
        replace(
            new,
            start=old.start,
            stop=old.stop,
            words=tuple(
                replace(a, start=b.start, stop=b.stop) for a, b in zip(new.words, old.words, strict=True)
            ),
        )
        for new, old in zip(aligned, own, strict=True)
    ]


def test_words_go_where_the_model_hears_them(clip: AudioClip) -> None:
    said = segment(words("ab c", start=2.0, each=0.5))

    def place(audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...]:
        assert len(audio) == seconds(1.0) + 2 * MARGIN
        assert list(tokens) == [1, 2, 3]
        return TokenSpan(800, 1000, SURE), TokenSpan(1100, 1500, SURE), TokenSpan(9000, 9900, SURE)

    (aligned,) = align_by(clip, [said], place)
    start = seconds(2.0) - MARGIN
    assert [(word.start - start, word.stop - start) for word in aligned.words] == [(800, 1500), (9000, 9900)]
    assert (aligned.start, aligned.stop) == (aligned.words[0].start, aligned.words[-1].stop)


def test_a_segment_is_looked_for_beside_its_neighbours_words(clip: AudioClip) -> None:
    segments = [segment(words("a", 1.0, 0.5)), segment(words("b", 1.6, 0.4)), segment(words("c", 2.1, 0.4))]
    heard = []

    def place(audio: Audio, tokens: Sequence[int]) -> None:
        heard.append(len(audio))

    align_by(clip, segments, place)
    assert heard == [seconds(0.3 + 0.5 + 0.1), seconds(0.1 + 0.4 + 0.1), seconds(0.1 + 0.4 + 0.3)]


def test_a_doubtful_word_keeps_its_own_time(clip: AudioClip) -> None:
    said = segment(words("a b c", start=2.0, each=0.5))

    def place(audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...]:
        return TokenSpan(5000, 9000, SURE), TokenSpan(9000, 9600, UNSURE), TokenSpan(22_000, 26_000, SURE)

    (aligned,) = align_by(clip, [said], place)
    first, doubtful, last = aligned.words
    assert (doubtful.start, doubtful.stop) == (said.words[1].start, said.words[1].stop)
    assert first.start != said.words[0].start
    assert last.start != said.words[2].start


def test_a_word_without_letters_stays_between_its_neighbours(clip: AudioClip) -> None:
    said = segment(words("a -- b", start=2.0, each=0.5))

    def place(audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...]:
        return TokenSpan(5000, 14_000, SURE), TokenSpan(16_000, 18_000, SURE)

    (aligned,) = align_by(clip, [said], place)
    start = seconds(2.0) - MARGIN
    assert [(word.start - start, word.stop - start) for word in aligned.words] == [
        (5000, 14_000),
        (14_000, 16_000),
        (16_000, 18_000),
    ]


def test_text_that_does_not_fit_and_segments_without_words_are_left_alone(clip: AudioClip) -> None:
    without_words = replace(segment(words("a b", 4.0)), words=())
    segments = [segment(words("a b", 1.0)), without_words, segment(words("c d", 6.0))]
    assert align_by(clip, segments, lambda audio, tokens: None) == segments


def test_a_model_that_fails_costs_only_its_segment(clip: AudioClip) -> None:
    segments = [segment(words("a", 1.0)), segment(words("b", 3.0))]

    def place(audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...]:
        if tokens == (1,):
            raise ModelFailedError("crashed")
        return (TokenSpan(0, 3000, SURE),)

    first, second = align_by(clip, segments, place)
    assert first == segments[0]
    assert second.start == seconds(3.0) - MARGIN


def test_a_model_that_is_not_there_is_said(clip: AudioClip) -> None:
    def load() -> CtcModel:
        raise ModelUnavailableError("no such folder")

    with pytest.raises(ModelUnavailableError):
        align(clip, [segment(words("a", 1.0))], load)


hostile_spans = st.builds(
    TokenSpan, st.integers(-50_000, 200_000), st.integers(-50_000, 200_000), st.sampled_from([SURE, UNSURE])
)


@st.composite
def hostile_segments(draw: st.DrawFn) -> list[Segment]:
    """Times in order, as the recogniser gives them; words may be empty and segments touch."""
    at, segments = 0.0, []
    for count in draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)):
        at += draw(st.sampled_from([0.0, 0.3, 1.0]))
        each = draw(st.sampled_from([0.0, 0.02, 0.3]))
        segments.append(segment(words("ab c defg h i"[: count * 2], at, each), speaker=1))
        at = segments[-1].stop / seconds(1)
    return segments


@thorough
@given(hostile_segments(), st.lists(hostile_spans, min_size=20, max_size=20))
def test_hostile_times_come_out_ordered_and_nothing_else_changes(
    clip: AudioClip, segments: list[Segment], spans: list[TokenSpan]
) -> None:
    turn: Iterator[int] = iter(range(len(segments)))

    def place(audio: Audio, tokens: Sequence[int]) -> tuple[TokenSpan, ...]:
        first = next(turn)
        return tuple(spans[(first + index) % len(spans)] for index in range(len(tokens)))

    aligned = align_by(clip, segments, place)
    timed = [word for part in aligned for word in part.words]
    assert timed[0].start >= 0
    assert timed[-1].stop <= clip.num_samples
    assert all(word.start < word.stop for word in timed)
    assert all(left.stop <= right.start for left, right in pairwise(timed))
    assert all((part.start, part.stop) == (part.words[0].start, part.words[-1].stop) for part in aligned)
    assert with_own_times(aligned, segments) == segments
