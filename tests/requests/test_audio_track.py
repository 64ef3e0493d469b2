"""The field `audio_track`: a number from 1 or a language."""

from __future__ import annotations

import pytest

from services.requests.accepted import accept, accept_for_any_format, decode_accepted, encode_accepted
from tests.requests.form_fields import MODEL, OFF, options, parse, refused


@pytest.mark.contract(
    "Transcription fields", "`audio_track`", "ours: one of several audio tracks, by number from 1 or language"
)
@pytest.mark.parametrize(
    ("sent", "track"),
    [
        ("1", 1), (" 2 ", 2), ("100", 100), ("", None),
        ("de", "de"), ("DE", "de"), ("German", "de"), ("pt-BR", "pt"), ("ku", "ku"), ("ku_Arab", "ku-arab"),
    ],
)  # fmt: skip
def test_a_track_is_a_number_or_a_language(sent: str, track: int | str | None) -> None:
    found = options(("audio_track", sent)).audio_track
    assert (found, type(found)) == (track, type(track))


@pytest.mark.parametrize("sent", ["0", "-1", "101", "9" * 5000, "1.5", "²", "e n", "../2", "x" * 41, "[1]"])
def test_anything_else_is_refused(sent: str) -> None:
    assert refused(("audio_track", sent)) == "audio_track"


@pytest.mark.parametrize(("sent", "track"), [("2", 2), ("de", "de")])
def test_jobs_and_batch_lines_keep_it(sent: str, track: int | str) -> None:
    fields = [("audio_track", sent)]
    for accepted in (accept(parse(*fields)), accept_for_any_format([MODEL, *fields], OFF)):
        assert decode_accepted(encode_accepted(accepted)).options.audio_track == track
