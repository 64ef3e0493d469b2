"""A recording in which three languages are spoken, through the server with the real networks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from openai.types.audio import TranscriptionVerbose

from benchmarks.eval_set import read_audio
from config import Settings
from tests.recordings import FIXTURES, silence, wav
from tests.servers import RunningServer, running_server

CLIPS = [read_audio(FIXTURES / f"{name}.flac") for name in ("german", "dialogue", "french")]
RECORDING = ("talk.wav", wav(*[part for clip in CLIPS for part in (clip, silence(0.6))]))


@pytest.fixture(scope="module")
def base_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None,
        whisper_model="whisper-base",
        device="cpu",
        enable_speaker_diarization=False,
        workspace_dir=tmp_path_factory.mktemp("work"),
    )
    with running_server(settings) as server:
        yield server


@pytest.mark.contract(
    "Response formats",
    "several languages",
    "each part in its own; ours: `languages` with the seconds of each",
)
def test_each_turn_is_written_in_its_own_language(base_server: RunningServer) -> None:
    answer = base_server.client.audio.transcriptions.create(
        model="whisper-1",
        file=RECORDING,
        response_format="verbose_json",
        timestamp_granularities=["segment", "word"],
    )
    read: dict[str, Any] = answer.to_dict()
    assert TranscriptionVerbose.model_validate(read, strict=True).language == "english"
    runs = [
        (name, "".join(segment["text"] for segment in run))
        for name, run in groupby(read["segments"], key=lambda segment: segment["language"])
    ]
    assert [name for name, _ in runs] == ["german", "english", "french"]
    for (_, text), words in zip(
        runs,
        (
            ("Guten Morgen", "scheint die Sonne", "mit dem Hund in den Garten"),
            ("the report about the summer market", "I will send them after lunch"),
            ("Bonjour", "la mer", "du pain"),
        ),
        strict=True,
    ):
        for word in words:
            assert word in text
    spoken = read["languages"]
    assert spoken[0]["language"] == "english"
    assert {each["language"] for each in spoken} == {"german", "english", "french"}
    assert all(5 < each["seconds"] < 13 for each in spoken)


def test_other_answers_name_them_too(base_server: RunningServer) -> None:
    create = base_server.client.audio.transcriptions.create
    plain = create(model="gpt-4o-transcribe", file=RECORDING)
    assert sorted(language.code for language in plain.languages or []) == ["de", "en", "fr"]
    given = create(model="whisper-1", file=RECORDING, response_format="verbose_json", language="de")
    assert given.language == "german"
    assert "languages" not in given.to_dict()
