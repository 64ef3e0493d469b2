"""Transcripts on the wire, read by strict parsers and by the official client's own types."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from html import unescape

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from openai.types.audio import Transcription, TranscriptionDiarized, TranscriptionVerbose

from models import TokenCounts, TokenLogprob, Transcript
from options import Granularity, ResponseFormat, Task
from tests.builders import segment, thorough, transcript, turn, word, words
from utils.answers.wire import AnswerForm
from utils.response_formatter import render
from utils.speakers.labels import speaker_label

BOTH = frozenset(Granularity)
SILENCE = Transcript(None, 16_000, ())
TALK = transcript(
    [
        segment([word("Who", 0, 0.5, 0), word("is", 0.5, 1, 0), word("it?", 1, 2, 0)], 0),
        segment([word("Me.", 3, 4.0004, 1)], 1),
        segment([word("Of", 4.5, 4.6, 1), word("course.", 4.6, 5, 1)], 1),
    ],
    [turn(0, 2, 0), turn(3, 5, 1)],
)
PLAIN = transcript([segment(words("Hello there.")), segment(words("Good bye.", 2))])


def rendered(of: Transcript, form: AnswerForm) -> bytes:
    return b"".join(render(of, form)[0])


def body(of: Transcript, form: ResponseFormat, granularities: frozenset[Granularity] = BOTH) -> str:
    return rendered(of, AnswerForm(form, granularities)).decode()


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    texts = st.lists(
        st.sampled_from(
            ["so", "1", "-->", "00:00:01,000", "<b>", "&amp;", "</i>", "a\n\nb", "NOTE", "字", "ends."]
        ),
        min_size=1,
        max_size=12,
    )
    now, made = draw(st.sampled_from([0.0, 3599.0, 360_000.0])), []
    for speaker, said in draw(
        st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 30)), texts), max_size=5)
    ):
        made.append(
            segment([word(text, now + n / 4, now + n / 4 + 0.2) for n, text in enumerate(said)], speaker)
        )
        made[-1] = replace(made[-1], words=tuple(replace(w, speaker=speaker) for w in made[-1].words))
        now += len(said) / 4 + draw(st.sampled_from([0.0, 0.0101, 5.0]))
    return transcript(made)


def letters(text: str) -> str:
    return "".join(text.split())


def spoken(text: str) -> str:
    """The letters of a cue without the name of its speaker."""
    return letters(text.split(": ", 1)[1] if text.startswith("Speaker ") else text)


@thorough
@given(transcripts())
def test_srt_is_read_back_whole(of: Transcript) -> None:
    cues = list(srt.parse(body(of, ResponseFormat.SRT), ignore_errors=False))
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    assert all(cue.start < cue.end for cue in cues)
    said = "".join(spoken(cue.content) for cue in cues).replace("\u2060", "")
    assert sorted(said) == sorted(letters(of.text).replace("-->", "→"))


@thorough
@given(transcripts())
def test_vtt_is_read_back_whole(of: Transcript) -> None:
    text = body(of, ResponseFormat.VTT)
    cues = webvtt.from_string(text).captions
    assert sorted("".join(spoken(unescape(cue.raw_text)) for cue in cues)) == sorted(letters(of.text))
    assert text.count(" --> ") == len(cues)
    assert "<" not in text.replace(" --> ", "")


def test_srt_and_vtt_as_written() -> None:
    assert body(TALK, ResponseFormat.SRT) == (
        "1\n00:00:00,000 --> 00:00:02,000\nSpeaker A: Who is it?\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nSpeaker B: Me.\n\n"
        "3\n00:00:04,500 --> 00:00:05,548\nSpeaker B: Of course.\n"
    )
    assert body(TALK, ResponseFormat.VTT).startswith(
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nSpeaker A: Who is it?\n\n00:00:03.000"
    )


def test_text_is_one_line_or_a_line_for_each_speaker() -> None:
    assert body(PLAIN, ResponseFormat.TEXT) == "Hello there. Good bye.\n"
    assert body(TALK, ResponseFormat.TEXT) == "Speaker A: Who is it?\nSpeaker B: Me. Of course.\n"


def test_json_has_text_and_usage() -> None:
    raw = body(PLAIN, ResponseFormat.JSON)
    answer = Transcription.model_validate_json(raw, strict=True)
    assert answer.text == "Hello there. Good bye."
    assert json.loads(raw)["usage"] == {"type": "duration", "seconds": 3.8}
    assert [language.code for language in answer.languages or []] == ["en"]


def test_verbose_json_has_all_that_the_client_knows() -> None:
    answer = TranscriptionVerbose.model_validate_json(body(TALK, ResponseFormat.VERBOSE_JSON), strict=True)
    assert (answer.language, answer.duration, answer.text) == ("english", 6.0, "Who is it? Me. Of course.")
    assert answer.usage is not None
    assert answer.usage.seconds == 6.0
    first = (answer.segments or [])[0]
    assert (first.id, first.seek, first.start, first.end, first.text) == (0, 0, 0.0, 2.0, " Who is it?")
    assert (first.tokens, first.temperature, first.avg_logprob) == ([3, 2, 3], 0.0, -0.25)
    assert (first.compression_ratio, first.no_speech_prob) == (1.5, 0.01)
    assert [part.seek for part in answer.segments or []] == [0, 300, 450]
    assert [(w.word, w.start, w.end) for w in answer.words or []][-2:] == [
        ("Of", 4.5, 4.6),
        ("course.", 4.6, 5),
    ]


def test_verbose_json_has_speakers_besides() -> None:
    answer = json.loads(body(TALK, ResponseFormat.VERBOSE_JSON))
    assert [part["speaker"] for part in answer["segments"]] == ["A", "B", "B"]
    assert [w["speaker"] for w in answer["words"]] == ["A", "A", "A", "B", "B", "B"]
    assert answer["turns"][1] == {"start": 3.0, "end": 5.0, "speaker": "B"}
    assert answer["task"] == "transcribe"
    without = json.loads(body(PLAIN, ResponseFormat.VERBOSE_JSON))
    assert not {"speaker", "turns"} & {*without, *without["segments"][0], *without["words"][0]}


@pytest.mark.parametrize("asked", [frozenset({Granularity.WORD}), frozenset({Granularity.SEGMENT})])
def test_only_the_granularities_asked_for_are_sent(asked: frozenset[Granularity]) -> None:
    answer = json.loads(body(TALK, ResponseFormat.VERBOSE_JSON, asked))
    assert {f"{granularity}s" for granularity in asked} == {"words", "segments"} & answer.keys()


def test_diarized_json_has_all_that_the_client_knows() -> None:
    answer = TranscriptionDiarized.model_validate_json(body(TALK, ResponseFormat.DIARIZED_JSON), strict=True)
    assert (answer.task, answer.duration, answer.text) == ("transcribe", 6.0, "Who is it? Me. Of course.")
    second = answer.segments[1]
    assert (second.id, second.start, second.end) == ("seg_002", 3.0, 4.0)
    assert (second.text, second.speaker, second.type) == ("Me.", "B", "transcript.text.segment")


def test_a_language_that_nobody_spoke_is_an_empty_list() -> None:
    assert json.loads(body(SILENCE, ResponseFormat.JSON))["languages"] == []


@pytest.mark.parametrize("form", [ResponseFormat.JSON, ResponseFormat.DIARIZED_JSON])
def test_usage_in_tokens_adds_up(form: ResponseFormat) -> None:
    counted = replace(PLAIN, counts=TokenCounts(text=4, audio=190, output=6))
    raw = rendered(counted, AnswerForm(form, counts_tokens=True))
    kind = Transcription if form is ResponseFormat.JSON else TranscriptionDiarized
    usage = kind.model_validate_json(raw, strict=True).usage
    assert usage is not None
    assert usage.to_dict() == {
        "type": "tokens",
        "input_tokens": 194,
        "output_tokens": 6,
        "total_tokens": 200,
        "input_token_details": {"text_tokens": 4, "audio_tokens": 190},
    }


def test_verbose_json_counts_seconds_for_every_model_as_the_client_knows_no_other() -> None:
    raw = rendered(PLAIN, AnswerForm(ResponseFormat.VERBOSE_JSON, counts_tokens=True))
    answer = TranscriptionVerbose.model_validate_json(raw, strict=True)
    assert answer.usage is not None
    assert answer.usage.type == "duration"


def test_what_is_translated_is_english() -> None:
    german = replace(PLAIN, language="de")
    raw = json.loads(rendered(german, AnswerForm(ResponseFormat.VERBOSE_JSON, task=Task.TRANSLATE)))
    assert (raw["task"], raw["language"]) == ("translate", "english")


@thorough
@given(st.text(), st.lists(st.integers(1, 4), min_size=1))
def test_bytes_of_logprobs_are_those_of_the_text(said: str, lengths: list[int]) -> None:
    """However tokens cut the characters and whatever spaces stand around them."""
    data, tokens = said.encode(), []
    for length in lengths * len(data):
        if data:
            tokens.append(TokenLogprob(data[:length], -0.5))
            data = data[length:]
    one = replace(PLAIN.segments[0], text=said, logprobs=tuple(tokens))
    answer = rendered(replace(PLAIN, segments=(one,)), AnswerForm(logprobs=True))
    found = Transcription.model_validate_json(answer, strict=True)
    assert found.logprobs is not None
    assert bytes(int(b) for entry in found.logprobs for b in entry.bytes or []).decode() == found.text
    assert all(entry.bytes and entry.logprob == -0.5 for entry in found.logprobs)


def test_silence_in_every_format() -> None:
    bodies = {form: body(SILENCE, form) for form in ResponseFormat}
    assert bodies[ResponseFormat.TEXT] == "\n"
    assert bodies[ResponseFormat.SRT] == ""
    assert webvtt.from_buffer(io.StringIO(bodies[ResponseFormat.VTT])).captions == []
    assert Transcription.model_validate_json(bodies[ResponseFormat.JSON], strict=True).text == ""
    verbose = TranscriptionVerbose.model_validate_json(bodies[ResponseFormat.VERBOSE_JSON], strict=True)
    assert (verbose.text, verbose.segments, verbose.words, verbose.language) == ("", [], [], "")
    diarized = TranscriptionDiarized.model_validate_json(bodies[ResponseFormat.DIARIZED_JSON], strict=True)
    assert diarized.segments == []


def test_media_types() -> None:
    types = [render(PLAIN, AnswerForm(form))[1].split(";")[0] for form in ResponseFormat]
    assert types == [
        "application/json",
        "text/plain",
        "application/x-subrip",
        "text/vtt",
        *["application/json"] * 2,
    ]


@pytest.mark.parametrize(
    ("number", "label"),
    [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")],
)
def test_speaker_labels(number: int, label: str) -> None:
    assert speaker_label(number) == label
