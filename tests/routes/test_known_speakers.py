"""Known speakers over HTTP: fakes for every refusal, the real voice network for what is matched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from openai.types.audio import TranscriptionDiarized

from config import Settings
from models import seconds
from tests.recordings import conversation, silence, tone, wav
from tests.routes.voices import HIGH, LOW, TALK, clip_of, data_url, voice
from tests.servers import RunningServer, fake_loaders, running_server

NAMES, CLIPS = "known_speaker_names[]", "known_speaker_references[]"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders()) as running:
        yield running


def post(server: RunningServer, fields: list[tuple[str, str]], form: str = "diarized_json") -> httpx.Response:
    sent = [("model", "whisper-1"), ("response_format", form), *fields]
    parts: list[Any] = [(name, (None, value)) for name, value in sent]
    url = f"{server.url}/v1/audio/transcriptions"
    return httpx.post(url, files=[*parts, ("file", ("talk.wav", TALK))], timeout=60)


def refused(answer: httpx.Response, param: str, says: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert says in answer.json()["error"]["message"]


@pytest.mark.contract(
    "Transcription fields", "`known_speaker_names[]`", "one name for one voice; the others stay A, B, …"
)
def test_a_speaker_takes_the_name_of_a_clip_and_the_others_letters(server: RunningServer) -> None:
    fields = [(NAMES, "Zoë"), (CLIPS, voice(HIGH))]
    segments = post(server, fields).json()["segments"]
    assert [segment["speaker"] for segment in segments] == ["A", "Zoë", "B"]
    verbose = post(server, fields, "verbose_json").json()
    assert [segment["speaker"] for segment in verbose["segments"]] == ["A", "Zoë", "B"]
    assert [turn["speaker"] for turn in verbose["turns"]] == ["A", "Zoë", "B"]
    assert post(server, fields, "text").text == "Speaker A: w w w w w\nZoë: w w w w w\nSpeaker B: w w w w\n"
    assert "\nZoë: w w w w w\n" in post(server, fields, "srt").text


def test_names_are_escaped_where_they_could_end_a_cue(server: RunningServer) -> None:
    fields = [(NAMES, "<b>Zoë --> Al"), (CLIPS, voice(HIGH))]
    assert "&lt;b&gt;Zoë --&gt; Al: w" in post(server, fields, "vtt").text
    assert "<\u2060b>Zoë → Al: w" in post(server, fields, "srt").text
    assert "<b>Zoë --> Al" in post(server, fields).text


def test_a_voice_that_is_not_there_names_nobody(server: RunningServer) -> None:
    segments = post(server, [(NAMES, "Zoë"), (CLIPS, voice(1500.0))]).json()["segments"]
    assert [segment["speaker"] for segment in segments] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("clip", "says"),
    [
        ("audio.wav", "must have the form data:"),
        ("data:audio/wav,abc", "must have the form data:"),
        ("data:audio/wav;base64,%%%", "not valid base64"),
        ("data:audio/wav;base64,AAA", "not valid base64"),
        (data_url(b"no audio at all" * 50), "could not be decoded"),
        (data_url(b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n"), "could not be decoded"),
        (voice(LOW, 1.5), "shorter than 2 seconds"),
        (voice(LOW, 10.5), "longer than 10 seconds"),
        (data_url(wav(silence(5))), "less than a second of speech"),
        (data_url(wav(silence(4), tone(0.5))), "less than a second of speech"),
    ],
)
@pytest.mark.contract(
    "Speakers",
    "clips that are no references",
    "400 that names the clip: no audio, under 2 s, over 10 s, silence",
)
def test_a_clip_that_is_no_reference(server: RunningServer, clip: str, says: str) -> None:
    fields = [(NAMES, "Ann"), (NAMES, "Bob"), (CLIPS, voice(LOW)), (CLIPS, clip)]
    answer = post(server, fields)
    refused(answer, "known_speaker_references", says)
    assert "known_speaker_references[1]" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ([(NAMES, "Ann")], "known_speaker_references", "one reference for each name"),
        ([(CLIPS, "data:")], "known_speaker_names", "one reference for each name"),
        ([(NAMES, "Ann"), (NAMES, "Ann "), (CLIPS, "x"), (CLIPS, "x")], "known_speaker_names", "twice"),
        ([(NAMES, " "), (CLIPS, "x")], "known_speaker_names", "one reference for each name"),
        ([(NAMES, "x" * 65), (CLIPS, "x")], "known_speaker_names", "at most 64 characters"),
        ([(NAMES, "Ann\nBob"), (CLIPS, "x")], "known_speaker_names", "one line"),
        ([(NAMES, f"n{n}") for n in range(5)], "known_speaker_names", "at most 4"),
        ([(CLIPS, f"n{n}") for n in range(5)], "known_speaker_references", "at most 4"),
        ([("diarize", "false"), (NAMES, "Ann"), (CLIPS, "x")], "known_speaker_names", "shows speakers"),
        (
            [("response_format", "json"), (NAMES, "Ann"), (CLIPS, "x")],
            "known_speaker_names",
            "shows speakers",
        ),
        ([(NAMES, "Ann"), (CLIPS, "x" * (4 * 1024 * 1024 + 1))], "known_speaker_references", "at most"),
    ],
)
@pytest.mark.contract("Speakers", "names without clips, more than four", "400")
def test_what_cannot_be_honoured(
    server: RunningServer, fields: list[tuple[str, str]], param: str, says: str
) -> None:
    refused(post(server, fields, "verbose_json"), param, says)


def test_names_and_clips_leave_no_trace(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    post(server, [(NAMES, "Zoë"), (CLIPS, voice(HIGH))])
    post(server, [(NAMES, "Zoë"), (CLIPS, voice(HIGH, 1.0))])
    assert "Zoë" not in caplog.text
    assert list(server.state.temp.root.iterdir()) == []


@pytest.mark.contract(
    "Transcription fields", "`known_speaker_references[]`", "data URLs of 2 to 10 s become voice embeddings"
)
def test_real_voices_are_named_and_an_unknown_one_is_not(tiny_server: RunningServer) -> None:
    """Clips of two of three voices, from another take than what they are looked for in."""
    talk = conversation("conversation")
    cut = talk.turns[6].start
    rest = [turn for turn in talk.turns if turn.start >= cut]
    heard = talk.samples[seconds(cut - 0.2) :]
    answer = tiny_server.client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=("talk.wav", wav(heard)),
        response_format="diarized_json",
        known_speaker_names=["Robert", "Alan"],
        known_speaker_references=[data_url(wav(clip_of(talk, 1))), data_url(wav(clip_of(talk, 2)))],
    )
    assert isinstance(answer, TranscriptionDiarized)
    names = {"slt": "A", "rms": "Robert", "awb": "Alan"}
    for segment in answer.segments:
        middle = (segment.start + segment.end) / 2 + cut - 0.2
        turn = min(rest, key=lambda turn: abs((turn.start + turn.stop) / 2 - middle))
        assert segment.speaker == names[turn.speaker]
    assert {segment.speaker for segment in answer.segments} == set(names.values())


@pytest.mark.contract("Speakers", "a voice that is not there", "names nobody")
def test_wrong_references_rename_no_real_speaker(tiny_server: RunningServer) -> None:
    talk, other = conversation("dialogue"), conversation("conversation")
    noise = np.random.default_rng(3).normal(0, 0.01, seconds(4)).astype(np.float32)
    answer = tiny_server.client.audio.transcriptions.create(
        model="whisper-1",
        file=("talk.flac", talk.audio.read_bytes()),
        response_format="diarized_json",
        known_speaker_names=["Alan"],
        known_speaker_references=[data_url(wav(clip_of(other, 2)[: seconds(4)] + noise))],
    )
    assert isinstance(answer, TranscriptionDiarized)
    assert {segment.speaker for segment in answer.segments} == {"A", "B"}
