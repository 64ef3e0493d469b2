"""What the recogniser hears, as the caller's numbers have it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models import seconds
from options import VoiceActivity
from tests.builders import frames, probabilities, thorough
from utils.speech.contexts import FULL
from utils.speech.speech_map import FRAME, Probabilities, SpeechMap
from utils.speech.speech_windows import share_out, speech_rules, speech_windows

SERVER = VoiceActivity()
# Two stretches of speech, half a second of silence between them; the second is not sure to be speech.
TALK = frames([(0.0, 40), (0.9, 40), (0.0, 16), (0.6, 40), (0.0, 40)])


def speech_of(probabilities: Probabilities) -> SpeechMap:
    return SpeechMap(0, len(probabilities) * FRAME, probabilities)


def windows(of: Probabilities, asked: VoiceActivity) -> list[tuple[int, int]]:
    return [(window.start, window.stop) for window in speech_windows(speech_of(of), asked, FULL)]


def test_what_is_not_said_is_the_servers() -> None:
    assert speech_rules(SERVER) == speech_rules(VoiceActivity(threshold=0.5))
    assert len(windows(TALK, SERVER)) == 1


def test_the_threshold_says_what_is_speech() -> None:
    ((_, stop),) = windows(TALK, VoiceActivity(threshold=0.7))
    assert stop < windows(TALK, SERVER)[0][1] - 40 * FRAME


def test_the_padding_says_how_much_is_heard_before() -> None:
    (bare,), (padded,) = (windows(TALK, VoiceActivity(padding=seconds(pad))) for pad in (0, 1))
    assert bare[0] == 40 * FRAME
    assert padded[0] == 40 * FRAME - seconds(1)
    assert bare[1] == padded[1]


def test_a_silence_as_long_as_is_named_ends_a_window() -> None:
    assert len(windows(TALK, VoiceActivity(silence=seconds(0.3)))) == 2
    assert len(windows(TALK, VoiceActivity(silence=seconds(0.6)))) == 1


@thorough
@given(probabilities(longest_run=400))
def test_windows_are_apart_and_not_longer_than_whisper_hears(of: Probabilities) -> None:
    for asked in (SERVER, VoiceActivity(0.3, seconds(5), seconds(0.1)), VoiceActivity(1.0, 0, seconds(10))):
        found = windows(of, asked)
        assert all(stop - start <= FULL for start, stop in found)
        assert all(left[1] <= right[0] for left, right in pairwise(found))


@thorough
@given(probabilities(longest_run=400), st.data())
def test_all_but_the_last_window_are_known_before_the_rest_is(of: Probabilities, data: st.DataObject) -> None:
    known = of[: data.draw(st.integers(0, len(of)))]
    for asked in (SERVER, VoiceActivity(0.3, seconds(5), seconds(0.1)), VoiceActivity(1.0, 0, seconds(10))):
        complete = windows(known, asked)[:-1]
        assert windows(of, asked)[: len(complete)] == complete


def test_a_lone_window_is_cut_in_the_longest_pause_of_its_middle_half() -> None:
    pauses = (6, 20, 30)  # frames; the longest is too near to the end
    runs = [run for pause in pauses for run in ((0.9, 120), (0.0, pause))]
    speech = speech_of(frames([*runs, (0.9, 50)]))
    first, second = share_out(speech_windows(speech, SERVER, FULL), speech, SERVER)
    middle = (120 + 6 + 120 + 10) * FRAME
    assert (first.start, first.stop, second.start) == (0, middle, middle)
    assert second.stop == speech.stop


def test_short_and_several_windows_and_one_without_a_pause_stay() -> None:
    for of in ([(0.9, 200)], [(0.9, 400)], [(0.9, 300), (0.0, 400), (0.9, 300)]):
        speech = speech_of(frames(of))
        found = speech_windows(speech, SERVER, FULL)
        assert share_out(found, speech, SERVER) == found
