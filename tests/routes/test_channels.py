"""channels=separate: each channel is a speaker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from config import Settings
from models import SAMPLE_RATE, Audio, Span
from tests.recordings import multichannel_wav, silence, tone
from tests.servers import RunningServer, fake_loaders, running_server
from utils.audio.channel_splitter import EVERY_CHANNEL, ChannelSplitter, read_channel
from utils.decoding.blocks import decoded_blocks


def after(seconds: float, sound: Audio, whole: float = 8.0) -> Audio:
    """`sound` from a moment on, in silence."""
    out = silence(whole)
    out[round(seconds * SAMPLE_RATE) :][: len(sound)] = sound
    return out


LEFT = after(0.0, tone(3.0))
RIGHT = after(2.0, tone(4.0, 900.0))
CALL = multichannel_wav(LEFT, RIGHT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None, workspace_dir=tmp_path_factory.mktemp("work"), enable_speaker_diarization=False
    )
    with running_server(settings, fake_loaders()) as running:
        yield running


def post(server: RunningServer, file: bytes, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1", "channels": "separate"} | fields
    files = {"file": ("call.wav", file)}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", data=data, files=files, timeout=60)


@pytest.mark.contract("Transcription fields", "`channels`")
def test_people_who_speak_at_once_are_both_heard(server: RunningServer) -> None:
    answer = post(
        server, CALL, response_format="verbose_json", **{"timestamp_granularities[]": "word"}
    ).json()
    assert [(word["speaker"], round(word["start"])) for word in answer["words"]] == [
        *(("A", second) for second in range(3)),
        *(("B", second) for second in range(2, 6)),
    ]
    assert {turn["speaker"] for turn in answer["turns"]} == {"A", "B"}
    assert answer["duration"] == 8.0


@pytest.mark.parametrize(
    ("form", "shows"),
    [
        ("json", '"text":"w w w w w w w"'),
        ("text", "Speaker A: w w w\nSpeaker B: w w w w\n"),
        ("srt", "Speaker B: w w w w"),
        ("vtt", "Speaker A: w w w"),
        ("diarized_json", '"speaker":"B"'),
        ("verbose_json", '"speaker":"A"'),
    ],
)
@pytest.mark.contract(
    "Transcription fields", "`channels`", "ours: `separate` takes each channel as a speaker"
)
def test_every_format(server: RunningServer, form: str, shows: str) -> None:
    answer = post(server, CALL, response_format=form)
    assert answer.status_code == 200, answer.text
    assert shows in answer.text
    assert list(server.state.temp.root.iterdir()) == []


def test_speakers_may_be_left_out(server: RunningServer) -> None:
    assert post(server, CALL, response_format="text", diarize="false").text == "w w w w w w w\n"


def test_eight_channels(server: RunningServer) -> None:
    channels = [after(n, tone(1.0, 300.0 + 100 * n)) for n in range(8)]
    segments = post(server, multichannel_wav(*channels), response_format="diarized_json").json()["segments"]
    assert [segment["speaker"] for segment in segments] == list("ABCDEFGH")


@pytest.mark.parametrize(
    ("file", "fields", "param"),
    [
        (multichannel_wav(LEFT), {}, "channels"),
        (multichannel_wav(LEFT, LEFT), {}, "channels"),
        (multichannel_wav(*[after(n * 0.1, tone(0.1)) for n in range(9)]), {}, "file"),
        (CALL, {"num_speakers": "3", "response_format": "srt"}, "num_speakers"),
        (CALL, {"max_speakers": "1", "response_format": "srt"}, "num_speakers"),
        (CALL, {"channels": "both"}, "channels"),
    ],
    ids=["mono", "twice the same", "nine", "three speakers", "at most one", "no such value"],
)
def test_what_cannot_be_taken_apart_is_refused(
    server: RunningServer, file: bytes, fields: dict[str, Any], param: str
) -> None:
    answer = post(server, file, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_mix_is_the_default(server: RunningServer) -> None:
    assert post(server, CALL, channels="mix").json()["text"] == "w w w w w w"


@pytest.mark.parametrize("span", [Span(0, 100), Span(SAMPLE_RATE, 3 * SAMPLE_RATE)])
def test_a_channel_is_kept_as_it_was(tmp_path: Path, span: Span) -> None:
    (tmp_path / "call.wav").write_bytes(CALL)
    splitter = ChannelSplitter(tmp_path, 10 * SAMPLE_RATE)
    for block in decoded_blocks(tmp_path / "call.wav", EVERY_CHANNEL):
        splitter.write(block)
    for path, channel in zip(splitter.finish(), (LEFT, RIGHT), strict=True):
        np.testing.assert_allclose(read_channel(path, span), channel[span.start : span.stop], atol=1e-4)
