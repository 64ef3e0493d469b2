"""Form fields to what the pipeline is asked."""

from __future__ import annotations

import json
from itertools import product

import pytest

from exceptions import InvalidRequestError
from options import (
    DecodeOptions,
    Granularity,
    ResponseFormat,
    SpeakerCount,
    Task,
    TranscriptionOptions,
    VoiceActivity,
)
from services.requests.parameters import TranscriptionRequest, parse_parameters
from services.requests.stage_defaults import StageDefaults
from utils.answers.wire import AnswerForm

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


def test_only_the_model_is_required() -> None:
    request = parse()
    assert (request.model, request.answer) == ("whisper-1", AnswerForm())
    assert request.options == TranscriptionOptions()
    with pytest.raises(InvalidRequestError, match="'model' is required") as caught:
        parse_parameters([("prompt", "hi")], OFF)
    assert caught.value.param == "model"


def test_lists_come_with_brackets_bare_and_repeated() -> None:
    fields = [("keywords[]", "Ann"), ("keywords", "Bob"), ("languages", "de"), ("languages[]", "English")]
    decode = options(*fields).decode
    assert decode.keywords == ("Ann", "Bob")
    assert decode.languages == ("de", "en")


def test_of_a_repeated_name_the_last_counts() -> None:
    assert options(("temperature", "0.2"), ("temperature", "0.4")).decode.temperature == 0.4


def test_an_empty_value_is_as_if_it_was_not_sent() -> None:
    names = ("language", "temperature", "keywords[]", "stream", "num_speakers", "response_format")
    assert parse(*((name, "") for name in names)) == parse()
    assert options(("language", "de"), ("language", "")).decode.language == "de"


def test_unknown_fields_are_ignored() -> None:
    assert parse(("user", "me"), ("max_tokens[]", "1")) == parse()


def test_what_steers_the_recogniser() -> None:
    fields = [("language", "en-US"), ("prompt", " As said, "), ("temperature", "1"), ("keywords", "Ann, Bob")]
    assert options(*fields).decode == DecodeOptions("en", (), " As said, ", ("Ann, Bob",), 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "m" * 201),
        ("response_format", "xml"),
        ("timestamp_granularities[]", "letter"),
        ("language", "xx"),
        ("language", "e" * 41),
        ("languages[]", "klingon"),
        ("prompt", "p" * 10_001),
        ("keywords[]", "k" * 101),
        ("temperature", "warm"),
        ("temperature", "1.1"),
        ("temperature", "-0.1"),
        ("temperature", "nan"),
        ("stream", "maybe"),
        ("include[]", "words"),
        ("chunking_strategy", "none"),
        ("chunking_strategy", "0.5"),
        ("chunking_strategy", "[" * 50_000),
        ("chunking_strategy", '{"threshold": 0.5}'),
        ("chunking_strategy", '{"type": "semantic_vad"}'),
        ("diarize", "2"),
        ("separate_vocals", "x"),
        ("align", "x"),
        ("restore_punctuation", "x"),
        ("num_speakers", "0"),
        ("num_speakers", "101"),
        ("num_speakers", "2.5"),
        ("min_speakers", "-1"),
        ("max_speakers", "many"),
    ],
)
def test_a_wrong_value_names_its_parameter(name: str, value: str) -> None:
    assert refused((name, value)) == name.removesuffix("[]")


def test_too_many_keywords_and_languages() -> None:
    assert refused(*[("keywords[]", "k")] * 101) == "keywords"
    assert refused(*[("languages[]", "en")] * 101) == "languages"


def test_what_the_client_sends_by_default_is_taken() -> None:
    fields = [("stream", "false"), ("chunking_strategy", "auto"), ("temperature", "0")]
    assert parse(*fields) == parse()


@pytest.mark.parametrize("form", FORMATS)
def test_granularities_need_verbose_json(form: str) -> None:
    fields = [("response_format", form), ("timestamp_granularities[]", "word")]
    if form == "verbose_json":
        assert parse(*fields).answer.granularities == {Granularity.WORD}
        assert parse(*fields, ("timestamp_granularities[]", "segment")).answer.granularities == set(
            Granularity
        )
    else:
        assert refused(*fields) == "timestamp_granularities"


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


def test_words_are_timed_where_something_needs_their_times() -> None:
    timed = {form for form in FORMATS if options(("response_format", form)).words}
    assert timed == {"srt", "vtt", "verbose_json", "diarized_json"}
    assert options(("response_format", "text"), ("diarize", "true")).words
    assert options(("align", "true")).words


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


@pytest.mark.parametrize("form", FORMATS)
def test_logprobs_need_json(form: str) -> None:
    fields = [("response_format", form), ("include[]", "logprobs")]
    if form == "json":
        assert parse(*fields).answer.logprobs
        assert options(*fields).decode.logprobs
    else:
        assert refused(*fields) == "include"


def test_logprobs_are_of_the_words_as_they_were_heard() -> None:
    asked = ("include[]", "logprobs")
    assert not options(asked, defaults=ALL).restore_punctuation
    assert refused(asked, ("restore_punctuation", "true")) == "include"


@pytest.mark.parametrize(
    ("model", "counts_tokens"),
    [("whisper-1", False), ("whisper-base", False), ("gpt-4o-transcribe", True), ("gpt-transcribe", True)],
)
def test_usage_is_of_the_kind_that_the_name_has_when_hosted(model: str, counts_tokens: bool) -> None:
    assert parse(("model", model)).answer.counts_tokens is counts_tokens


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


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("timestamp_granularity", "timestamp_granularities"),
        ("timestamp_granularity[]", "timestamp_granularities"),
        ("responseFormat", "response_format"),
        ("langauge", "language"),
        ("num_speaker", "num_speakers"),
        ("chunking_stratergy[type]", "chunking_strategy"),
    ],
)
def test_a_slip_is_told_and_not_ignored(sent: str, meant: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"If '{meant}' is meant"):
        parse((sent, "word"))
    assert refused((sent, "word")) == sent.partition("[")[0]


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "max_tokens",
        "vad_filter",
        "hotwords",
        "initial_prompt",
        "temperature_inc",
        "task",
        "seed",
        "file_id",
    ],
)
def test_what_other_servers_know_is_ignored_as_hosted(name: str) -> None:
    assert parse((name, "1")) == parse()


@pytest.mark.parametrize("form", FORMATS)
def test_translations(form: str) -> None:
    fields = [MODEL, ("response_format", form)]
    if form == "diarized_json":
        with pytest.raises(InvalidRequestError) as caught:
            parse_parameters(fields, ALL, Task.TRANSLATE)
        assert caught.value.param == "response_format"
        return
    asked = parse_parameters(fields, ALL, Task.TRANSLATE)
    assert asked.answer.task is asked.options.decode.task is Task.TRANSLATE
    assert not asked.options.align
