"""Damage to good files, the search for words in two decodings, and the files' own clocks."""

from __future__ import annotations

import io
from itertools import islice
from random import Random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.files.accuracy import SHARES, Outcome, samples
from benchmarks.files.damage import MIN_FOOTER, MIN_HEADER, Style, damaged
from benchmarks.files.encoding import encode, read_speech
from benchmarks.files.handmade import handmade
from benchmarks.files.lags import Lags, lags
from benchmarks.files.pairs import Pair
from benchmarks.files.timelines import HOLE, LATE, hole_in_sound, late_sound
from models import SAMPLE_RATE

SPEECH = read_speech()


@given(st.integers(0, 20_000), st.sampled_from([0.01, 0.1]), st.sampled_from(Style), st.integers(0, 99))
def test_damage_spares_both_ends(size: int, share: float, style: Style, seed: int) -> None:
    data = bytes(size)
    changed = damaged(data, share, style, Random(seed))
    assert len(changed) == size
    assert not any(changed[:MIN_HEADER])
    assert not any(changed[max(0, size - MIN_FOOTER) :])
    assert sum(map(bool, changed)) <= share * size + 64


def test_a_tenth_is_overwritten() -> None:
    data = bytes(100_000)
    one_run = damaged(data, 0.1, Style.RUN, Random(1))
    places = [index for index, byte in enumerate(one_run) if byte]
    assert places[-1] - places[0] < 10_000
    scattered = damaged(data, 0.1, Style.SCATTERED, Random(1))
    assert 8_000 < sum(map(bool, scattered)) <= 10_000


def test_the_same_decoding_has_no_lag() -> None:
    found = lags(SPEECH, SPEECH)
    assert found.largest == 0
    assert len(found.seconds) == found.windows > 5


@pytest.mark.parametrize("seconds", [-1.5, 0.25, 4.0])
def test_a_shift_is_found(seconds: float) -> None:
    shift = round(seconds * SAMPLE_RATE)
    moved = np.concatenate([np.zeros(max(0, shift), np.int16), SPEECH[max(0, -shift) :]])
    found = lags(SPEECH, moved)
    assert sorted(found.seconds)[len(found.seconds) // 2] == pytest.approx(seconds, abs=0.001)


def test_a_lost_stretch_moves_only_what_follows() -> None:
    shortened = np.concatenate([SPEECH[: 5 * SAMPLE_RATE], SPEECH[7 * SAMPLE_RATE :]])
    found = lags(SPEECH, shortened)
    assert found.seconds[0] == 0
    assert found.seconds[-1] == pytest.approx(-2, abs=0.001)
    assert len(found.seconds) < found.windows


def test_silence_and_noise_are_not_taken_for_speech() -> None:
    noise = np.random.default_rng(1).integers(-3000, 3000, len(SPEECH), np.int16)
    assert lags(SPEECH, noise).seconds == ()
    assert lags(np.zeros_like(SPEECH), SPEECH) == Lags((), 0)
    assert lags(SPEECH, SPEECH[:100]).seconds == ()


def test_each_recording_comes_undamaged_and_damaged() -> None:
    first = list(islice(samples(1), 2 * len(SHARES)))
    assert [sample.share for sample in first] == [*SHARES, *SHARES]
    assert {sample.style for sample in first} == set(Style)
    assert first[1].data() == first[1].data() != first[0].data()


def test_refused_and_late_files_are_out_of_bounds() -> None:
    assert Outcome("", "", 0.0, 0.05, Lags((0.02, -0.1), 2)).is_within_bounds
    assert not Outcome("", "", 0.0, 0.05, Lags((0.02, -0.2), 2)).is_within_bounds
    assert not Outcome("", "", 0.0, 0.2).is_within_bounds
    assert not Outcome("", "", 0.0, refusal="InvalidAudioError").is_within_bounds


@pytest.mark.parametrize("pair", [Pair("mp4", "aac", 44_100), Pair("matroska", "mp3", 44_100, video="mpeg4")])
def test_the_same_file_is_written_each_time(pair: Pair) -> None:
    assert encode(SPEECH[:SAMPLE_RATE], pair) == encode(SPEECH[:SAMPLE_RATE], pair)


def test_late_sound_and_holes_are_written() -> None:
    pair, speech = Pair("matroska", "mp3", 44_100, video="mpeg4"), SPEECH[: 6 * SAMPLE_RATE]
    first, last = sound_times(encode(speech, pair, retime=late_sound))
    assert (first, last) == pytest.approx((LATE, LATE + 6), abs=0.1)
    first, last = sound_times(encode(speech, pair, retime=hole_in_sound))
    assert (first, last) == pytest.approx((0, HOLE + 6), abs=0.1)


@pytest.mark.parametrize(("name", "data"), handmade(SPEECH[:SAMPLE_RATE]).items())
def test_what_is_made_by_hand_is_decoded(name: str, data: bytes) -> None:
    with av.open(io.BytesIO(data), "r") as container:
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
        assert container.format.name == name.partition("/")[0]
    assert 0.9 < seconds < 1.7


def sound_times(data: bytes) -> tuple[float, float]:
    """Of the first and the last packet of sound, in seconds."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        times = [
            float((packet.pts or 0) * packet.time_base) for packet in container.demux(stream) if packet.size
        ]
    return times[0], times[-1]
