"""Form fields to the options of a transcription and the form of its answer."""

from __future__ import annotations

import pytest

from exceptions import InvalidRequestError
from options import DecodeOptions, Granularity, Task, TranscriptionOptions
from services.requests.parameters import parse_parameters
from tests.requests.form_fields import ALL, FORMATS, MODEL, OFF, options, parse, refused
from utils.answers.wire import AnswerForm


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


def test_languages_are_candidates_once_and_any_language_is_no_restriction() -> None:
    decode = options(("languages", "nb, no"), ("languages[]", "German"), ("language", "auto")).decode
    assert (decode.language, decode.languages) == (None, ("no", "de"))
    assert options(("languages", '["en", "auto"]')).decode.languages == ()


@pytest.mark.parametrize("name", ["language", "languages"])
def test_a_wrong_language_says_what_is_understood(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"ISO 639.*'ger'.*'de-AT'.*name.*'auto'"):
        parse((name, "klingon"))


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


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-transcribe", "openai/gpt-4o-mini-transcribe"])
def test_gpt_models_ignore_granularities_where_they_cannot_be_shown(form: str, model: str) -> None:
    fields = [("model", model), ("response_format", form)]
    asked = parse(*fields, ("timestamp_granularities[]", "word"))
    if form == "verbose_json":
        assert asked.answer.granularities == {Granularity.WORD}
    else:
        assert asked == parse(*fields)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("model", ["whisper-1", "openai/whisper-1"])
def test_whisper_1_ignores_stream_where_no_events_can_show_the_answer(
    form: str, model: str, task: Task
) -> None:
    fields = [("model", model), ("response_format", form), ("stream", "true")]
    if (form, task) == ("diarized_json", Task.TRANSLATE):
        return
    streams = form in ("json", "text", "diarized_json") and task is Task.TRANSCRIBE
    assert parse_parameters(fields, OFF, task).stream is streams


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "whisper-base"])
@pytest.mark.parametrize("form", ["srt", "vtt", "verbose_json"])
def test_other_models_refuse_to_stream_what_events_cannot_show(form: str, model: str) -> None:
    asked = [("response_format", form), ("stream", "true")]
    assert refused(("model", model), *asked) == "stream"
    assert refused(*asked, ("background", "true")) == "stream"


@pytest.mark.parametrize("form", FORMATS)
def test_logprobs_need_json(form: str) -> None:
    fields = [("response_format", form), ("include[]", "logprobs")]
    if form == "json":
        assert parse(*fields).answer.logprobs
        assert options(*fields).decode.logprobs
    else:
        assert refused(*fields) == "include"


@pytest.mark.parametrize(
    ("model", "counts_tokens"),
    [
        ("whisper-1", False),
        ("whisper-base", False),
        ("gpt-4o-transcribe", True),
        ("gpt-transcribe", True),
        ("openai/gpt-4o-transcribe", True),
    ],
)
def test_usage_is_of_the_kind_that_the_name_has_when_hosted(model: str, counts_tokens: bool) -> None:
    assert parse(("model", model)).answer.counts_tokens is counts_tokens


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
def test_a_misspelt_field_is_refused_and_not_ignored(sent: str, meant: str) -> None:
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
