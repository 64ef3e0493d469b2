"""Background transcriptions over the wire: started, followed, asked for, killed, forgotten."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from config import Settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.routes.test_channels import recording as of_channels
from tests.serve_fakes import WritingRecogniser, killable_server, runs, settings_in
from tests.servers import RunningServer, fake_loaders, running_server

PATH = "/v1/audio/transcriptions"
FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
LONG = wav(*[tone(20.0, 300), silence(4.0)] * 4)
TALK = wav(tone(3.0, 300), silence(1.0), tone(2.0, 900))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders()) as running:
        yield running


def post(url: str, file: bytes = TALK, **fields: str) -> httpx.Response:
    data = {"model": "whisper-1"} | fields
    return httpx.post(f"{url}{PATH}", data=data, files={"file": ("talk.wav", file)}, timeout=60)


def start(url: str, file: bytes = TALK, **fields: str) -> str:
    answer = post(url, file, background="true", **fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "queued"
    assert answer.json()["object"] == "transcription"
    return str(answer.json()["id"])


def finished(url: str, job_id: str, **query: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job: dict[str, Any] = httpx.get(f"{url}{PATH}/{job_id}", params=query).json()
        if job["status"] not in ("queued", "in_progress"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


def data_lines(text: str) -> list[tuple[int | None, str]]:
    """Number, if it has one, and data of every event."""
    found = re.findall(r"(?:id: (\d+)\n)?data: (.*)\n\n", text)
    return [(int(number) if number else None, data) for number, data in found]


def events(url: str, job_id: str, after: int = 0) -> list[tuple[int | None, str]]:
    headers = {"last-event-id": str(after)} if after else {}
    return data_lines(httpx.get(f"{url}{PATH}/{job_id}/events", headers=headers, timeout=60).text)


def text_of(told: list[tuple[int | None, str]]) -> str:
    """All deltas, which make up the text of the last event."""
    wire = [json.loads(data) for _, data in told if data != "[DONE]"]
    text = "".join(event["delta"] for event in wire if event["type"] == "transcript.text.delta")
    assert wire[-1]["type"] == "transcript.text.done"
    assert wire[-1]["text"] == text
    return text


def segments_of(told: list[tuple[int | None, str]]) -> list[Any]:
    wire = [json.loads(data) for _, data in told if data != "[DONE]"]
    return [event for event in wire if event["type"] == "transcript.text.segment"]


@pytest.mark.parametrize("diarize", ["true", "false"])
@pytest.mark.contract("Transcription fields", "`background`", "ours: answers at once with a job")
@pytest.mark.contract("Background jobs", "`/content`", "the plain answer, in any format")
def test_a_job_gives_in_every_format_what_the_plain_request_gives(
    server: RunningServer, diarize: str
) -> None:
    job_id = start(server.url, diarize=diarize)
    assert finished(server.url, job_id)["result"] == post(server.url).json()
    for wanted in FORMATS:
        plain = post(server.url, response_format=wanted, diarize=diarize)
        content = httpx.get(f"{server.url}{PATH}/{job_id}/content", params={"response_format": wanted})
        assert content.text == plain.text, wanted
        assert content.headers["content-type"] == plain.headers["content-type"]
        if content.is_success:
            result = finished(server.url, job_id, response_format=wanted)["result"]
            assert result == (plain.json() if wanted.endswith("json") else plain.text)


def test_a_job_tells_speakers_apart_unless_told_not_to(server: RunningServer) -> None:
    job_id = start(server.url)
    assert (
        finished(server.url, job_id, response_format="text")["result"]
        == post(server.url).json()["text"] + "\n"
    )
    segments = finished(server.url, job_id, response_format="diarized_json")["result"]["segments"]
    assert {segment["speaker"] for segment in segments} == {"A", "B"}


def test_a_job_takes_channels_apart_as_the_plain_request_does(server: RunningServer) -> None:
    call = of_channels(
        np.concatenate([tone(3.0, 300), silence(3.0)]), np.concatenate([silence(3.0), tone(3.0, 900)])
    )
    job_id = start(server.url, call, channels="separate")
    finished(server.url, job_id)
    for wanted in FORMATS:
        plain = post(server.url, call, channels="separate", response_format=wanted)
        content = httpx.get(f"{server.url}{PATH}/{job_id}/content", params={"response_format": wanted})
        assert content.text == plain.text, wanted


@pytest.mark.contract("Background jobs", "`GET`", "status, progress, times")
def test_a_job_says_how_far_it_is(tmp_path: Path) -> None:
    gate = threading.Event()
    recogniser = ScriptedRecogniser(gate=gate)
    settings = Settings(_env_file=None, workspace_dir=tmp_path, whisper_batch_size=1, jobs_at_once=1)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        url = server.url
        first, second = start(url, wav(*[tone(20.0), silence(4.0)] * 4)), start(url)
        while not recogniser.batches:
            time.sleep(0.01)
        assert httpx.get(f"{url}{PATH}/{second}").json()["status"] == "queued"
        assert httpx.get(f"{url}{PATH}/{first}").json()["status"] == "in_progress"
        assert httpx.get(f"{url}{PATH}/{first}/content").status_code == 400
        gate.set()
        job = finished(url, first)
    assert (job["progress"], job["seconds_done"], job["seconds_total"]) == (1.0, 96.0, 96.0)
    assert job["started_at"] <= job["finished_at"] < job["expires_at"]
    assert job["expires_at"] - job["finished_at"] == pytest.approx(72 * 3600, abs=1)


@pytest.mark.parametrize("response_format", ["json", "diarized_json"])
@pytest.mark.contract("Background jobs", "`/events`", "those of a stream, from any event on")
def test_events_are_those_of_a_stream_and_can_be_joined_again(
    server: RunningServer, response_format: str
) -> None:
    streamed = post(server.url, LONG, stream="true", response_format=response_format, num_speakers="1")
    job_id = start(server.url, LONG, response_format=response_format, num_speakers="1")
    told = events(server.url, job_id)
    assert [number for number, _ in told[:-1]] == list(range(1, len(told)))
    assert told[-1] == (None, "[DONE]")
    assert text_of(told) == text_of(data_lines(streamed.text))
    assert segments_of(told) == segments_of(data_lines(streamed.text))
    assert events(server.url, job_id, after=3) == told[3:]
    assert finished(server.url, job_id)["text"] == text_of(told)
    for wrong in ("x", "-1", str(2**64)):
        answer = httpx.get(f"{server.url}{PATH}/{job_id}/events", headers={"last-event-id": wrong})
        assert answer.status_code == 400


@pytest.mark.contract("Background jobs", "`/events`")
def test_events_come_while_it_is_worked_on(tmp_path: Path) -> None:
    gate = threading.Event()
    settings = Settings(_env_file=None, workspace_dir=tmp_path, whisper_batch_size=1)
    recogniser = ScriptedRecogniser(gate=gate)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        job_id = start(server.url, LONG)
        with httpx.stream("GET", f"{server.url}{PATH}/{job_id}/events", timeout=60) as stream:
            gate.set()
            lines = stream.iter_lines()
            assert next(lines) == "id: 1"
            gate.clear()
            assert "transcript.text.delta" in next(lines)
            assert httpx.get(f"{server.url}{PATH}/{job_id}").json()["text"].startswith("w w")
            gate.set()
            assert [line for line in lines if line][-1] == "data: [DONE]"


@pytest.mark.contract("Background jobs", "`failed`", "`error` as in the envelope")
def test_a_job_that_fails_says_why(server: RunningServer) -> None:
    job = finished(server.url, start(server.url, b"noise"))
    assert (job["status"], job["error"]["code"], job["result"]) == ("failed", "invalid_audio", None)
    ((_, told),) = events(server.url, job["id"])
    assert json.loads(told) == {"error": job["error"]}


@pytest.mark.contract("Background jobs", "`DELETE`", "stops it; nothing is left")
def test_a_deleted_job_stops_and_leaves_nothing(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.2)
    settings = Settings(
        _env_file=None,
        workspace_dir=tmp_path / "work",
        data_dir=tmp_path / "kept",
        whisper_batch_size=1,
        jobs_at_once=1,
    )
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        job_id = start(server.url, wav(*[tone(20.0), silence(4.0)] * 20))
        while not recogniser.batches:
            time.sleep(0.01)
        assert httpx.delete(f"{server.url}{PATH}/{job_id}").json()["deleted"]
        begun = len(recogniser.batches)
        for method in ("GET", "DELETE"):
            assert httpx.request(method, f"{server.url}{PATH}/{job_id}").status_code == 404
        assert list((tmp_path / "kept" / "jobs").iterdir()) == []
        assert finished(server.url, start(server.url))["status"] == "completed"
        assert list((tmp_path / "kept" / "jobs").iterdir()) == []
        assert begun < 10
    assert not any(job_id.encode() in path.read_bytes() for path in (tmp_path / "kept").glob("server.db*"))


@pytest.mark.contract("Background jobs", "429", "where too many wait, with `retry-after`")
def test_one_job_too_many_is_told_when_to_come_back(tmp_path: Path) -> None:
    gate = threading.Event()
    settings = Settings(_env_file=None, workspace_dir=tmp_path, max_jobs=2)
    with running_server(settings, fake_loaders(lambda: ScriptedRecogniser(gate=gate))) as server:
        jobs = [start(server.url), start(server.url)]
        refusal = post(server.url, background="true")
        assert refusal.status_code == 429
        assert int(refusal.headers["retry-after"]) > 0
        gate.set()
        assert {finished(server.url, job)["status"] for job in jobs} == {"completed"}
        assert post(server.url, background="true").status_code == 200


@pytest.mark.contract("Background jobs", "keys", "a 404 for the jobs of another key")
def test_the_jobs_of_one_key_are_nothing_to_another(tmp_path: Path) -> None:
    keys = ("first-key-of-the-tests", "second-key-of-the-tests")
    settings = Settings(_env_file=None, workspace_dir=tmp_path, api_keys=",".join(keys))
    with running_server(settings, fake_loaders()) as server:
        mine, other = ({"authorization": f"Bearer {key}"} for key in keys)
        answer = httpx.post(
            f"{server.url}{PATH}",
            data={"model": "whisper-1", "background": "true"},
            files={"file": ("talk.wav", TALK)},
            headers=mine,
        )
        address = f"{server.url}{PATH}/{answer.json()['id']}"
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            assert httpx.request(method, address + path, headers=other).status_code == 404
        assert httpx.get(address, headers=mine).status_code == 200


def killed_in(folder: Path, recording: bytes) -> str:
    """The job of a server that was killed in the last third of it."""
    with killable_server(folder, 0.1) as (url, process):
        job_id = start(url, recording)
        while httpx.get(f"{url}{PATH}/{job_id}").json()["progress"] < 0.7:
            time.sleep(0.02)
        process.kill()
        process.wait()
    return job_id


@pytest.mark.contract("Background jobs", "a server that is killed", "goes on at the first unfinished chunk")
def test_a_killed_server_goes_on_at_the_first_unfinished_chunk(tmp_path: Path) -> None:
    """Stretches have lengths of their own, so that what the recogniser was given tells which ran again."""
    recording = wav(*(part for n in range(24) for part in (tone(10.0 + n / 4, 300), silence(4.0))))
    calm = tmp_path / "calm"
    calm.mkdir()
    with running_server(settings_in(calm), fake_loaders(lambda: WritingRecogniser(calm))) as server:
        undisturbed = finished(server.url, start(server.url, recording), response_format="verbose_json")
    job_id = killed_in(tmp_path, recording)
    with killable_server(tmp_path, 0.0) as (url, _):
        job = finished(url, job_id, response_format="verbose_json")
    assert job["result"] == undisturbed["result"]
    assert job["text"] == undisturbed["text"]
    once, both = Counter(runs(calm)), Counter(runs(tmp_path))
    assert not once - both
    assert (both - once).total() <= 5, "only windows of the chunk in hand ran again"


def test_what_another_version_had_finished_is_worked_on_again(tmp_path: Path) -> None:
    """A server that is brought up to date in the middle of a job need not read the old one's checkpoints."""
    recording = wav(*[tone(10.0, 300), silence(4.0)] * 24)
    job_id = killed_in(tmp_path, recording)
    with closing(sqlite3.connect(tmp_path / "kept" / "server.db")) as database, database:
        assert database.execute("UPDATE chunks SET result = CAST('[{}]' AS BLOB)").rowcount > 0
    with killable_server(tmp_path, 0.0) as (url, _):
        assert finished(url, job_id, response_format="verbose_json")["result"]["text"]
