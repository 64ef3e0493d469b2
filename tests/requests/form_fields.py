"""Form fields as they are sent, parsed or refused."""

from __future__ import annotations

import pytest

from exceptions import InvalidRequestError
from options import ResponseFormat, TranscriptionOptions
from services.requests.parameters import TranscriptionRequest, parse_parameters
from services.requests.stage_defaults import StageDefaults

MODEL = ("model", "whisper-1")
OFF = StageDefaults(diarize=False)
ALL = StageDefaults(diarize=True, separate_vocals=True, align=True, restore_punctuation=True)
FORMATS = [form.value for form in ResponseFormat]


def parse(*fields: tuple[str, str], defaults: StageDefaults = OFF) -> TranscriptionRequest:
    return parse_parameters([MODEL, *fields], defaults)


def options(*fields: tuple[str, str], defaults: StageDefaults = OFF) -> TranscriptionOptions:
    return parse(*fields, defaults=defaults).options


def refused(*fields: tuple[str, str], defaults: StageDefaults = OFF) -> str | None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(*fields, defaults=defaults)
    assert caught.value.status == 400
    assert caught.value.message.endswith(".")
    return caught.value.param
