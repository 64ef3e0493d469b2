"""Requests that were accepted for later: what they can be answered in, whichever version accepted them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exceptions import InvalidRequestError
from options import ResponseFormat
from services.requests.accepted import accept_for_any_format, decode_accepted, encode_accepted
from services.requests.stage_defaults import StageDefaults

DEFAULTS = StageDefaults(diarize=True, separate_vocals=False, align=False, restore_punctuation=False)


@pytest.mark.parametrize("diarize", ["", "true", "false"])
@pytest.mark.parametrize("newer", [known for known in ResponseFormat if known is not ResponseFormat.TEXT])
def test_a_format_that_came_with_an_upgrade_is_as_if_it_had_been_there(
    newer: ResponseFormat, diarize: str
) -> None:
    fields = [("model", "whisper-1"), ("response_format", "text"), ("diarize", diarize)]
    accepted = accept_for_any_format(fields, DEFAULTS)
    older = replace(accepted, answers=tuple(form for form in accepted.answers if form.format is not newer))
    older = decode_accepted(encode_accepted(older))
    if newer is ResponseFormat.DIARIZED_JSON and diarize == "false":
        with pytest.raises(InvalidRequestError, match="diarize=true"):
            older.answer_in(newer)
    else:
        assert older.answer_in(newer) == accepted.answer_in(newer)
