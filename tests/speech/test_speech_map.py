"""Regions and windows of speech."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Span, seconds
from tests.builders import frames, probabilities, thorough
from utils.speech.speech_map import FRAME, SpeechMap, SpeechRules, pack_windows

BARE = SpeechRules(pad=0)


@st.composite
def speech_maps(draw: st.DrawFn) -> SpeechMap:
    heard = draw(probabilities(longest_run=12))
    missing = draw(st.integers(0, FRAME - 1))  # of the last frame
    return SpeechMap(draw(st.integers(0, 10**9)), len(heard) * FRAME - missing, heard)


rules = st.builds(
    SpeechRules, min_speech=st.just(0), min_silence=st.integers(0, 20 * FRAME), pad=st.integers(0, 20 * FRAME)
)


def overlap(span: Span, others: list[Span]) -> int:
    return sum(max(0, min(span.stop, o.stop) - max(span.start, o.start)) for o in others)


@thorough
@given(speech_maps(), rules)
def test_regions_are_sorted_disjoint_and_inside(speech: SpeechMap, rules: SpeechRules) -> None:
    regions = speech.regions(rules)
    assert all(region.start < region.stop for region in regions)
    assert all(left.stop <= right.start for left, right in pairwise(regions))
    assert all(speech.start <= region.start and region.stop <= speech.stop for region in regions)


@thorough
@given(speech_maps(), rules)
def test_regions_cover_all_that_is_surely_speech(speech: SpeechMap, rules: SpeechRules) -> None:
    regions = list(speech.regions(rules))
    for frame in np.flatnonzero(speech.probabilities >= rules.onset).tolist():
        start = speech.start + frame * FRAME
        heard = Span(start, min(start + FRAME, speech.stop))
        assert overlap(heard, regions) == heard.num_samples


@thorough
@given(speech_maps(), rules)
def test_padding_only_widens_and_by_no_more_than_asked(speech: SpeechMap, rules: SpeechRules) -> None:
    bare = speech.regions(SpeechRules(min_silence=rules.min_silence, pad=0))
    padded = speech.regions(rules)
    assert len(bare) == len(padded)
    for inner, outer in zip(bare, padded, strict=True):
        assert 0 <= inner.start - outer.start <= rules.pad
        assert 0 <= outer.stop - inner.stop <= rules.pad


def test_lone_speech_is_padded_on_both_sides() -> None:
    speech = SpeechMap(1000, 100 * FRAME, frames([(0, 40), (1, 20), (0, 40)]))
    assert speech.regions(SpeechRules(pad=5 * FRAME)) == (Span(1000 + 35 * FRAME, 1000 + 65 * FRAME),)


def test_speech_that_fades_does_not_end_until_it_is_silent_for_long_enough() -> None:
    heard = frames([(0, 10), (0.9, 5), (0.4, 30), (0.1, 4), (0.9, 5), (0.1, 6), (0.4, 5)])
    speech = SpeechMap(0, len(heard) * FRAME, heard)
    assert speech.regions(SpeechRules(min_silence=5 * FRAME, pad=0)) == (Span(10 * FRAME, 54 * FRAME),)


def test_clicks_are_no_speech() -> None:
    heard = frames([(0, 20), (1, 2), (0, 20), (1, 10), (0, 20)])
    rules = SpeechRules(min_speech=2 * FRAME, pad=0)
    assert SpeechMap(0, len(heard) * FRAME, heard).regions(rules) == (Span(42 * FRAME, 52 * FRAME),)


@thorough
@given(speech_maps(), rules, st.integers(8 * FRAME, 60 * FRAME), st.integers(0, 30 * FRAME))
def test_windows_cover_all_speech_within_their_bounds(
    speech: SpeechMap, rules: SpeechRules, longest: int, widest_gap: int
) -> None:
    windows = pack_windows(speech, rules, longest, widest_gap)
    regions = speech.regions(rules)
    assert all(0 < window.num_samples <= longest for window in windows)
    assert all(left.stop <= right.start for left, right in pairwise(windows))
    assert all(overlap(region, windows) == region.num_samples for region in regions)
    for left, right in pairwise(regions):
        if right.start - left.stop > widest_gap:
            assert overlap(Span(left.stop, right.start), windows) == 0


@thorough
@given(speech_maps(), rules)
def test_no_two_windows_could_be_one(speech: SpeechMap, rules: SpeechRules) -> None:
    longest, widest_gap = speech.num_samples, 4 * FRAME
    windows = pack_windows(speech, rules, longest, widest_gap)
    assert all(right.start - left.stop > widest_gap for left, right in pairwise(windows))


def test_a_long_region_is_cut_where_it_is_quietest() -> None:
    heard = frames([(0.9, 60), (0.6, 1), (0.9, 60)])
    speech = SpeechMap(0, len(heard) * FRAME, heard)
    dip = 60 * FRAME + FRAME // 2
    windows = pack_windows(speech, BARE, 80 * FRAME, 0)
    assert windows == [Span(0, dip), Span(dip, 121 * FRAME)]


def test_a_pause_wider_than_allowed_ends_a_window() -> None:
    heard = frames([(0.9, 10), (0, 8), (0.9, 10)])
    speech = SpeechMap(0, len(heard) * FRAME, heard)
    assert pack_windows(speech, BARE, 30 * FRAME, 8 * FRAME) == [Span(0, 28 * FRAME)]
    apart = [Span(0, 10 * FRAME), Span(18 * FRAME, 28 * FRAME)]
    assert pack_windows(speech, BARE, 30 * FRAME, 8 * FRAME - 1) == apart


def test_silence_has_no_windows() -> None:
    assert pack_windows(SpeechMap(0, 50 * FRAME, frames([(0.1, 50)])), BARE, seconds(30), seconds(1)) == []


def test_the_share_of_speech_is_that_within_a_span() -> None:
    speech = SpeechMap(5 * FRAME, 4 * FRAME, np.array([0.1, 0.9, 0.3, 0.2], np.float32))
    assert speech.share(Span(5 * FRAME, 6 * FRAME)) == 0
    assert speech.share(Span(5 * FRAME, 7 * FRAME)) == 0.5
    assert speech.share(Span(5 * FRAME, 9 * FRAME)) == 0.25


def test_probabilities_run_from_the_middle_of_a_frame_to_that_of_the_next() -> None:
    speech = SpeechMap(5 * FRAME, 3 * FRAME, np.array([0.2, 0.8, 0.4], np.float32))
    places = np.array([0, 5, 5.5, 6, 6.5, 7, 99]) * FRAME
    assert speech.at(places.astype(np.int64)) == pytest.approx([0.2, 0.2, 0.2, 0.5, 0.8, 0.6, 0.4])
