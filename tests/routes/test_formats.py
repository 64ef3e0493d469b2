"""Every format through the unmodified official client, with real speech and real models."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise

import pytest
import srt
import webvtt
from openai import OpenAI

from models import seconds
from tests.recordings import Conversation, conversation, plain_words, wav
from tests.servers import RunningServer

DIALOGUE = conversation("dialogue")
CONVERSATION = conversation("conversation")


@pytest.fixture(scope="module")
def client(tiny_server: RunningServer) -> OpenAI:
    return tiny_server.client


def error_rate(said: list[str], heard: list[str]) -> float:
    """Share of the script's words not heard in their order, or heard besides."""
    same = sum(
        block.size for block in SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
    )
    return (max(len(said), len(heard)) - same) / len(said)


@pytest.mark.contract("Response formats", "`json`", "text, languages and usage; also the default")
def test_json_has_the_words(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=DIALOGUE.audio)
    assert error_rate(DIALOGUE.words, plain_words(answer.text)) < 0.1
    assert answer.usage is not None
    assert answer.usage.to_dict() == {"type": "duration", "seconds": pytest.approx(12.271, abs=0.01)}


@pytest.mark.contract("Response formats", "`text`", "the body is the text, as text/plain")
def test_text_is_the_same_words(client: OpenAI) -> None:
    as_json = client.audio.transcriptions.create(model="whisper-1", file=DIALOGUE.audio)
    as_text = client.audio.transcriptions.create(
        model="whisper-1", file=DIALOGUE.audio, response_format="text"
    )
    assert as_text == as_json.text + "\n"


@pytest.mark.contract(
    "Response formats",
    "`verbose_json`",
    "every segment field with its real value; duration a number, language its English name",
)
@pytest.mark.contract("Transcription fields", "`timestamp_granularities[]`")
def test_verbose_json_has_real_segments_words_and_speakers(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=CONVERSATION.audio,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        extra_body={"diarize": True},
    )
    assert answer.language == "english"
    assert answer.segments
    assert answer.words
    assert [segment.id for segment in answer.segments] == list(range(len(answer.segments)))
    assert all(segment.tokens and segment.avg_logprob < 0 for segment in answer.segments)
    assert all(
        0 < segment.compression_ratio < 3 and 0 <= segment.no_speech_prob < 1 for segment in answer.segments
    )
    assert all(one.start <= two.start for one, two in pairwise(answer.words))
    assert plain_words("".join(segment.text for segment in answer.segments)) == plain_words(answer.text)
    assert plain_words(" ".join(word.word for word in answer.words)) == plain_words(answer.text)
    assert error_rate(CONVERSATION.words, plain_words(answer.text)) < 0.1
    extra = answer.to_dict()
    assert {word["speaker"] for word in extra["words"]} == {"A", "B", "C"}  # type: ignore[attr-defined]
    assert {turn["speaker"] for turn in extra["turns"]} == {"A", "B", "C"}  # type: ignore[attr-defined]


@pytest.mark.contract("Transcription fields", "`timestamp_granularities[]`")
def test_words_fall_into_the_turn_that_says_them(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=DIALOGUE.audio,
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert answer.segments is None
    assert answer.words
    for turn in DIALOGUE.turns:
        within = [w.word for w in answer.words if turn.start - 0.3 <= w.start and w.end <= turn.stop + 0.3]
        assert error_rate(plain_words(turn.text), plain_words(" ".join(within))) < 0.2


@pytest.mark.parametrize("talk", [DIALOGUE, CONVERSATION], ids=["two voices", "three voices"])
@pytest.mark.contract(
    "Response formats", "`diarized_json`", "speakers A, B, … by first appearance, or their known names"
)
def test_diarized_json_shows_who_said_what(client: OpenAI, talk: Conversation) -> None:
    answer = client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=talk.audio,
        response_format="diarized_json",
        chunking_strategy="auto",
    )
    voices = list(dict.fromkeys(turn.speaker for turn in talk.turns))
    labels = dict(zip(voices, "ABC", strict=False))
    for turn in talk.turns:
        said = [s for s in answer.segments if turn.start - 0.3 <= (s.start + s.end) / 2 <= turn.stop + 0.3]
        assert {segment.speaker for segment in said} == {labels[turn.speaker]}
        assert error_rate(plain_words(turn.text), plain_words(" ".join(s.text for s in said))) < 0.25
    assert answer.segments[0].id == "seg_001"


@pytest.mark.contract("Transcription fields", "`num_speakers`", "ours: exactly so many voices")
def test_the_count_given_is_the_count_found(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=CONVERSATION.audio,
        response_format="diarized_json",
        extra_body={"num_speakers": 2},
    )
    assert {segment.speaker for segment in answer.segments} == {"A", "B"}


@pytest.mark.contract("Response formats", "`srt`", "valid cues, as application/x-subrip")
@pytest.mark.contract("Response formats", "`vtt`", "valid cues, as text/vtt")
def test_srt_and_vtt_are_readable_and_strictly_valid(client: OpenAI) -> None:
    as_srt = client.audio.transcriptions.create(
        model="whisper-1", file=CONVERSATION.audio, response_format="srt", extra_body={"diarize": True}
    )
    as_vtt = client.audio.transcriptions.create(
        model="whisper-1", file=CONVERSATION.audio, response_format="vtt", extra_body={"diarize": True}
    )
    cues = list(srt.parse(as_srt))
    assert [cue.content for cue in cues] == [caption.text for caption in webvtt.from_string(as_vtt).captions]
    assert all(len(line) <= 42 for cue in cues for line in cue.content.splitlines())
    assert all(cue.content.count("\n") <= 1 for cue in cues)
    assert all((cue.end - cue.start).total_seconds() <= 7 for cue in cues)
    assert all(one.start <= two.start for one, two in pairwise(cues))
    voices = [[cue for cue in cues if cue.content.startswith(f"Speaker {name}")] for name in "ABC"]
    assert all(one.end <= two.start for said in voices for one, two in pairwise(said))
    assert {cue.content[: len("Speaker A: ")] for cue in cues} == {f"Speaker {name}: " for name in "ABC"}


def test_a_short_recording_has_no_cue_beyond_its_end(client: OpenAI) -> None:
    speech = DIALOGUE.samples[seconds(9.5) : seconds(10.25)]
    subtitles = client.audio.transcriptions.create(
        model="whisper-1", file=("end.wav", wav(speech)), response_format="srt", language="en"
    )
    assert all(cue.end.total_seconds() <= 0.75 for cue in srt.parse(subtitles))


@pytest.mark.contract("Transcription fields", "`diarize`")
def test_text_with_speakers_is_a_line_a_turn(client: OpenAI) -> None:
    text = client.audio.transcriptions.create(
        model="whisper-1", file=DIALOGUE.audio, response_format="text", extra_body={"diarize": True}
    )
    assert [line[:11] for line in text.splitlines()] == ["Speaker A: ", "Speaker B: "] * 2
