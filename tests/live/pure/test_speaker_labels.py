from __future__ import annotations

import numpy as np

from models import SAMPLE_RATE, KnownVoice, KnownVoices, Voice
from utils.live.speaker_labels import SpeakerLabels
from utils.speakers.embedding import pack


def voice(number: int, person: int, seconds: float) -> Voice:
    return Voice(number, round(seconds * SAMPLE_RATE), pack(np.eye(8)[person]))


def known(**people: int) -> KnownVoices:
    voices = (KnownVoice(name, pack(np.eye(8)[person])) for name, person in people.items())
    return KnownVoices(tuple(voices), 0.5)


def test_letters_go_by_first_appearance_and_skip_known_names() -> None:
    labels = SpeakerLabels(known(B=7))
    assert labels.label(1) == "A"
    assert [labels.label(number) for number in range(3)] == ["C", "A", "D"]


def test_a_letter_becomes_a_name_once_there_is_enough_voice() -> None:
    labels = SpeakerLabels(known(Ann=3, Bob=4))
    labels.hear([voice(0, 3, 2), voice(1, 4, 5)])
    assert [labels.label(0), labels.label(1)] == ["A", "Bob"]
    labels.hear([voice(0, 3, 4), voice(1, 4, 9)])
    assert [labels.label(0), labels.label(1), labels.label(2)] == ["Ann", "Bob", "B"]


def test_a_name_stays_and_is_nobody_elses() -> None:
    labels = SpeakerLabels(known(Ann=3, Bob=4))
    labels.hear([voice(0, 3, 4)])
    labels.hear([voice(0, 4, 40), voice(1, 3, 40)])
    assert [labels.label(0), labels.label(1)] == ["Ann", "A"]
