"""The official Python client: fields of a transcription and what they change."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.audio import Transcription, TranscriptionVerbose

from tests.contract.strict_client import MARKS, TWO_VOICES, StrictClient
from tests.recordings import silence, tone, wav

contract = pytest.mark.contract
pytestmark = MARKS
FIELDS = "Transcription fields"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param(
            {"language": "de"},
            {"language": "de"},
            marks=contract(
                FIELDS,
                "`language`",
                "no other is detected; ISO 639 codes, locales, English and native names; `auto`",
            ),
        ),
        pytest.param({"language": "nb-NO"}, {"language": "no"}, marks=contract(FIELDS, "`language`")),
        pytest.param({"language": "auto"}, {"language": "en"}, marks=contract(FIELDS, "`language`")),
        pytest.param(
            {"prompt": "As I said,"},
            {"prompt": "As I said,"},
            marks=contract(FIELDS, "`prompt`", "goes before the first window"),
        ),
        pytest.param(
            {"keywords": ["Ann", "Bob"]},
            {"keywords": ("Ann", "Bob")},
            marks=contract(FIELDS, "`keywords[]`", "hotwords of the decoder"),
        ),
        pytest.param(
            {"temperature": 0.4},
            {"temperature": 0.4},
            marks=contract(FIELDS, "`temperature`", "0 to 1; 0 is the fallback ladder"),
        ),
    ],
    ids=["language", "locale", "any language", "prompt", "keywords", "temperature"],
)
def test_the_recogniser_receives_what_was_asked(
    client: StrictClient, asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    client.transcribe(Transcription, **asked)
    received = client.recogniser.options[-1]
    assert {name: getattr(received, name) for name in sent} == sent


@contract(FIELDS, "`languages[]`", "detection chooses among the candidates")
def test_a_language_is_chosen_among_the_candidates(client: StrictClient) -> None:
    for asked, found in (([], "en"), (["fr", "de"], "de"), (["fr"], "fr")):
        answer = client.transcribe(Transcription, languages=asked or openai.omit)
        assert [language.code for language in answer.languages] == [found]


@contract(
    FIELDS,
    "`timestamp_granularities[]`",
    "`words`, `segments` or both, with verbose_json; else a 400, or ignored with gpt names",
)
def test_times_come_as_asked(client: StrictClient) -> None:
    for asked in (["word"], ["segment"], ["word", "segment"]):
        answer = client.transcribe(
            TranscriptionVerbose, response_format="verbose_json", timestamp_granularities=asked
        )
        assert bool(answer.words) == ("word" in asked)
        assert bool(answer.segments) == ("segment" in asked)
    assert client.transcribe(TranscriptionVerbose, response_format="verbose_json").segments


@contract(FIELDS, "`chunking_strategy`", "`auto`; the numbers of server_vad, in brackets or as JSON")
def test_server_vad_parameters_change_speech_detection(client: StrictClient) -> None:
    talk = ("talk.wav", wav(tone(2.0), silence(0.5), tone(2.0)))

    def windows(**asked: Any) -> int:
        client.recogniser.batches.clear()
        client.transcribe(Transcription, talk, **asked)
        return sum(client.recogniser.batches)

    for milliseconds, count in ((200, 2), (1000, 1)):
        numbers: dict[str, Any] = {"type": "server_vad", "silence_duration_ms": milliseconds}
        numbers["prefix_padding_ms"] = 0
        assert windows(chunking_strategy=numbers) == count
        assert windows(extra_body={"chunking_strategy": json.dumps(numbers)}) == count
    assert windows(chunking_strategy="auto") == windows() > 0


@contract(FIELDS, "`min_speakers`", "ours: the minimum number of speakers")
@contract(FIELDS, "`max_speakers`", "ours: the maximum number of speakers")
@contract(FIELDS, "`diarize`", "ours: speakers in text, srt, vtt and verbose_json, none without it")
def test_diarization_follows_the_request(client: StrictClient) -> None:
    def speakers(**asked: Any) -> set[str | None]:
        answer = client.transcribe(
            TranscriptionVerbose, TWO_VOICES, response_format="verbose_json", extra_body=asked
        )
        return {segment.to_dict().get("speaker") for segment in answer.segments}

    assert speakers(diarize=True) == speakers(min_speakers=2) == {"A", "B"}
    assert speakers(diarize=False) == {None}
    assert speakers(max_speakers=1) == {"A"}


@contract(FIELDS, "lists")
@contract(FIELDS, "unknown fields", "ignored, as hosted")
def test_fields_come_as_other_programs_send_them(client: StrictClient) -> None:
    extra = {"keywords": "Ann", "languages": "de", "user": "me", "vad_filter": "true"}
    answer = client.transcribe(Transcription, extra_body=extra)
    assert client.recogniser.options[-1].keywords == ("Ann",)
    assert [language.code for language in answer.languages] == ["de"]
