"""Background jobs over HTTP: started, asked for in any format, deleted, limited, private to a key."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from config import Settings
from tests.durable.jobs import FORMATS, PATH, TALK, finished, post, start
from tests.fakes import ScriptedRecogniser
from tests.recordings import multichannel_wav, silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server

CHANGE = wav(tone(3.0, 300), silence(0.6), tone(2.0, 900))  # two speakers in what is one sentence


@pytest.mark.parametrize("diarize", ["true", "false", ""])
@pytest.mark.contract("Transcription fields", "`background`", "ours: answers at once with a job")
@pytest.mark.contract("Background jobs", "`/content`", "the plain answer, in any format")
def test_a_job_gives_in_every_format_what_the_plain_request_gives(
    server: RunningServer, diarize: str
) -> None:
    job_id = start(server.url, CHANGE, diarize=diarize)
    assert finished(server.url, job_id)["result"] == post(server.url, CHANGE).json()
    for wanted in FORMATS:
        plain = post(server.url, CHANGE, response_format=wanted, diarize=diarize)
        content = httpx.get(f"{server.url}{PATH}/{job_id}/content", params={"response_format": wanted})
        assert content.text == plain.text, wanted
        assert content.headers["content-type"] == plain.headers["content-type"]
        if content.is_success:
            result = finished(server.url, job_id, response_format=wanted)["result"]
            assert result == (plain.json() if wanted.endswith("json") else plain.text)


def test_a_job_tells_speakers_apart_by_default(server: RunningServer) -> None:
    job_id = start(server.url)
    assert (
        finished(server.url, job_id, response_format="text")["result"]
        == post(server.url).json()["text"] + "\n"
    )
    segments = finished(server.url, job_id, response_format="diarized_json")["result"]["segments"]
    assert {segment["speaker"] for segment in segments} == {"A", "B"}


def test_a_job_takes_channels_apart_as_the_plain_request_does(server: RunningServer) -> None:
    call = multichannel_wav(
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
        while list((tmp_path / "kept" / "jobs").iterdir()):  # deleted just after the job is seen to be done
            time.sleep(0.01)
        assert begun < 10
    assert not any(job_id.encode() in path.read_bytes() for path in (tmp_path / "kept").glob("server.db*"))


@pytest.mark.contract("Background jobs", "429", "where too many wait, with `retry-after`")
def test_one_job_too_many_is_answered_429_with_retry_after(tmp_path: Path) -> None:
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
def test_the_jobs_of_one_key_are_not_found_with_another(tmp_path: Path) -> None:
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
