"""Form fields to the numbers of the speech detector."""

from __future__ import annotations

import json

import pytest

from options import VoiceActivity
from tests.requests.form_fields import options, refused


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("threshold", "1.1"),
        ("threshold", "-0.1"),
        ("threshold", "nan"),
        ("prefix_padding_ms", "-1"),
        ("prefix_padding_ms", "5001"),
        ("prefix_padding_ms", "0.5"),
        ("silence_duration_ms", "99"),
        ("silence_duration_ms", "10001"),
        ("sensitivity", "1"),
    ],
)
def test_numbers_of_the_speech_detector_have_bounds(part: str, value: str) -> None:
    sent = [("chunking_strategy[type]", "server_vad"), (f"chunking_strategy[{part}]", value)]
    assert refused(*sent) == refused(("chunking_strategy[threshold]", "0.5")) == "chunking_strategy"


def test_numbers_of_the_speech_detector_come_in_brackets_or_as_json() -> None:
    asked = {"type": "server_vad", "threshold": 0.4, "prefix_padding_ms": 100, "silence_duration_ms": 700}
    in_brackets = [(f"chunking_strategy[{part}]", str(value)) for part, value in asked.items()]
    as_json = [("chunking_strategy", json.dumps(asked))]
    expected = VoiceActivity(0.4, 1600, 11_200)
    assert options(*in_brackets).voice_activity == options(*as_json).voice_activity == expected
    assert hash(options(*in_brackets)) == hash(options(*as_json))


@pytest.mark.parametrize("sent", ["auto", "null", '"auto"', '{"type": "auto"}', '{"type": "server_vad"}'])
def test_without_numbers_the_server_knows_best(sent: str) -> None:
    assert options(("chunking_strategy", sent)).voice_activity == VoiceActivity()
