"""Which of several audio tracks is transcribed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exceptions import InvalidAudioError, InvalidRequestError
from utils.decoding.tracks import ANY_TRACK, Track, TrackChoice, preferred

FIRST = Track(1, "aac", "de", is_default=False, is_secondary=False, can_decode=True)
SECOND = replace(FIRST, number=2, language="en-gb")
THIRD = replace(FIRST, number=3, language="ja")
TRACKS = (FIRST, SECOND, THIRD)


def chosen(*tracks: Track, track: int | str | None = None, language: str | None = None) -> int:
    return preferred(tracks, TrackChoice(track, language))[0].number


def test_the_first_unless_another_is_the_default() -> None:
    assert chosen(*TRACKS) == 1
    assert chosen(FIRST, replace(SECOND, is_default=True)) == 2


def test_a_commentary_comes_last() -> None:
    assert chosen(replace(FIRST, is_secondary=True), SECOND) == 2


def test_the_language_that_is_spoken_decides_if_one_track_has_it() -> None:
    assert chosen(*TRACKS, language="en") == 2
    assert chosen(replace(FIRST, is_default=True), SECOND, THIRD, language="ja") == 3
    assert chosen(FIRST, SECOND, replace(THIRD, language="en"), language="en") == 1
    assert chosen(*TRACKS, language="fr") == 1


@pytest.mark.parametrize(("track", "number"), [(3, 3), ("en", 2), ("en-gb", 2), ("ja", 3)])
def test_the_track_that_is_named(track: int | str, number: int) -> None:
    assert [found.number for found in preferred(TRACKS, TrackChoice(track))] == [number]


@pytest.mark.parametrize("track", [4, "fr", "en-us"])
def test_a_track_that_is_missing_is_refused(track: int | str) -> None:
    with pytest.raises(InvalidRequestError, match=r"1 \(de\), 2 \(en-gb\), 3 \(ja\)") as caught:
        preferred(TRACKS, TrackChoice(track))
    assert caught.value.param == "audio_track"


def test_a_track_without_a_decoder_is_passed_over() -> None:
    unknown = replace(FIRST, can_decode=False, is_default=True, codec="apc")
    assert chosen(unknown, SECOND) == 2
    with pytest.raises(InvalidAudioError, match="apc"):
        preferred([unknown], ANY_TRACK)
    with pytest.raises(InvalidAudioError, match="no audio stream"):
        preferred([], ANY_TRACK)
