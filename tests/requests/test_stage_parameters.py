"""Form fields to the stages that run: speakers, word times, alignment, separation, punctuation."""

from __future__ import annotations

from itertools import product

import pytest

from options import ResponseFormat, SpeakerCount
from services.requests.accepted import accept_for_any_format
from services.requests.stage_defaults import StageDefaults
from tests.requests.form_fields import ALL, FORMATS, MODEL, OFF, options, parse, refused


@pytest.mark.parametrize(("form", "asked"), list(product(FORMATS, [None, "true", "false"])))
def test_speakers_are_told_apart_where_the_answer_shows_them(form: str, asked: str | None) -> None:
    fields = [("response_format", form), *([("diarize", asked)] if asked else [])]
    if form == "diarized_json" and asked == "false":
        assert refused(*fields) == "diarize"
        return
    expected = {
        "json": {None: False, "true": False, "false": False},
        "verbose_json": {None: True, "true": True, "false": False},
        "diarized_json": {None: True, "true": True},
    }.get(form, {None: False, "true": True, "false": False})[asked]
    assert options(*fields, defaults=ALL).diarize is expected


def test_verbose_json_follows_the_server_and_diarized_json_does_not() -> None:
    assert options(("response_format", "verbose_json"), defaults=OFF).diarize is False
    assert options(("response_format", "diarized_json"), defaults=OFF).diarize is True


ON_REQUEST = StageDefaults()


@pytest.mark.parametrize(
    "field",
    [
        ("diarize", "true"),
        ("num_speakers", "2"),
        ("min_speakers", "2"),
        ("max_speakers", "2"),
        ("known_speakers", "auto"),
        ("channels", "separate"),
        ("model", "gpt-4o-transcribe-diarize"),
        ("model", "openai/gpt-4o-transcribe-diarize"),
        ("response_format", "diarized_json"),
    ],
)
def test_on_request_verbose_json_has_speakers_where_something_asks_for_them(field: tuple[str, str]) -> None:
    verbose = ("response_format", "verbose_json")
    assert parse(verbose, defaults=ON_REQUEST) == parse(verbose, ("diarize", "false"), defaults=ON_REQUEST)
    asked = parse(verbose, field, defaults=ON_REQUEST)
    assert asked.options.diarize
    assert asked.answer.speakers


def test_on_request_diarize_false_outweighs_the_other_fields() -> None:
    for field in (("num_speakers", "2"), ("model", "gpt-4o-transcribe-diarize")):
        asked = [("response_format", "verbose_json"), ("diarize", "false"), field]
        assert not options(*asked, defaults=ON_REQUEST).diarize


@pytest.mark.parametrize(("defaults", "speakers"), [(ON_REQUEST, False), (ALL, True)])
def test_a_background_transcription_can_be_read_with_speakers_later(
    defaults: StageDefaults, speakers: bool
) -> None:
    """Its verbose_json has them where that of the plain request has them."""
    accepted = accept_for_any_format([MODEL], defaults)
    assert accepted.options.diarize
    assert accepted.answer_in(ResponseFormat.DIARIZED_JSON).speakers
    assert accepted.answer_in(ResponseFormat.VERBOSE_JSON).speakers is speakers
    assert not accept_for_any_format([MODEL, ("diarize", "false")], defaults).options.diarize
    assert not accept_for_any_format([MODEL], OFF).options.diarize


@pytest.mark.parametrize("count", ["num_speakers", "min_speakers", "max_speakers"])
def test_a_speaker_count_asks_for_names_in_text_and_subtitles(count: str) -> None:
    asked = {form: options(("response_format", form), (count, "3")).diarize for form in FORMATS}
    assert {form for form, diarize in asked.items() if diarize} == {"text", "srt", "vtt", "diarized_json"}


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ([], SpeakerCount(1, None)),
        ([("num_speakers", "3")], SpeakerCount(3, 3)),
        ([("min_speakers", "2")], SpeakerCount(2, None)),
        ([("max_speakers", "4")], SpeakerCount(1, 4)),
        ([("min_speakers", "2"), ("max_speakers", "2")], SpeakerCount(2, 2)),
    ],
)
def test_speaker_counts(fields: list[tuple[str, str]], count: SpeakerCount) -> None:
    assert options(*fields).speakers == count


def test_speaker_counts_that_contradict_each_other() -> None:
    assert refused(("num_speakers", "2"), ("max_speakers", "2")) == "num_speakers"
    assert refused(("num_speakers", "2"), ("min_speakers", "2")) == "num_speakers"
    assert refused(("min_speakers", "3"), ("max_speakers", "2")) == "max_speakers"


def test_stages_follow_the_request_then_the_server() -> None:
    stages = ("separate_vocals", "restore_punctuation")
    for name in stages:
        assert getattr(options(defaults=ALL), name) is True
        assert getattr(options((name, "false"), defaults=ALL), name) is False
        assert getattr(options(defaults=OFF), name) is False
        assert getattr(options((name, "1"), defaults=OFF), name) is True


def test_alignment_runs_by_default_only_where_times_are_shown() -> None:
    aligned = {form for form in FORMATS if options(("response_format", form), defaults=ALL).align}
    assert aligned == {"srt", "vtt", "verbose_json", "diarized_json"}
    assert not options(("response_format", "srt"), ("align", "false"), defaults=ALL).align


def test_vocals_may_be_separated_where_there_is_music() -> None:
    automatic = StageDefaults(separate_vocals="auto")
    assert options(("separate_vocals", "auto")).separate_vocals == "auto"
    assert options(defaults=automatic).separate_vocals == "auto"
    assert options(("separate_vocals", "true"), defaults=automatic).separate_vocals is True
    assert options(("separate_vocals", "false"), defaults=automatic).separate_vocals is False


def test_logprobs_are_of_the_words_as_they_were_heard() -> None:
    asked = ("include[]", "logprobs")
    assert not options(asked, defaults=ALL).restore_punctuation
    assert refused(asked, ("restore_punctuation", "true")) == "include"
