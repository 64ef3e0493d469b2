"""Which decoding is kept."""

from __future__ import annotations

import pytest

from models import WindowText
from utils.words.temperature_ladder import is_doubtful, is_no_speech, settle, without_words


def decoded(
    text: str = " words", logprob: float = -0.3, ratio: float = 1.2, no_speech: float = 0.1
) -> WindowText:
    return WindowText(text, (1, 2), (), 0.0, logprob, ratio, no_speech)


def test_what_is_likely_and_does_not_repeat_itself_stands() -> None:
    assert not is_doubtful(decoded())


def test_what_is_unlikely_or_repeats_itself_is_tried_again() -> None:
    assert is_doubtful(decoded(logprob=-1.1))
    assert is_doubtful(decoded(ratio=2.5))


def test_what_is_no_speech_is_not_tried_again_and_has_no_words() -> None:
    silence = decoded(logprob=-1.1, no_speech=0.7)
    assert not is_doubtful(silence)
    assert settle([silence]).text == ""
    assert settle([silence]).tokens == ()


def test_speech_that_is_surely_read_is_kept_though_the_recogniser_suspects_silence() -> None:
    assert settle([decoded(no_speech=0.9)]).text == " words"


def test_the_last_try_is_kept_if_it_passed() -> None:
    assert settle([decoded(" first", -1.2), decoded(" second", -0.9)]).text == " second"


def test_if_none_passed_the_likeliest_that_does_not_repeat_itself_is_kept() -> None:
    looping = decoded(" la la la", -0.2, ratio=9.0)
    assert settle([looping, decoded(" poor", -1.5), decoded(" poorer", -2.0)]).text == " poor"
    assert settle([looping, decoded(" la la", -0.4, ratio=8.0)]).text == " la la la"


@pytest.mark.parametrize(
    ("text", "speech_share", "is_nobody"),
    [
        (decoded(" you", -0.43, no_speech=0.934), 0.0, True),
        (decoded(" I don't know.", -0.9, no_speech=0.42), 0.01, True),
        (decoded(" quiet words", -0.4, no_speech=0.2), 0.0, False),
        (decoded(" words", -0.43, no_speech=0.934), 0.6, False),
    ],
    ids=["silence", "noise", "quiet speech", "loud speech"],
)
def test_nobody_speaks_where_detector_and_recogniser_agree(
    text: WindowText, speech_share: float, is_nobody: bool
) -> None:
    assert is_no_speech(text, speech_share) == is_nobody
    assert (without_words(text).text, without_words(text).tokens) == ("", ())
