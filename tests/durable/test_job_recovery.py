"""Jobs of a server that was killed."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.durable.jobs import PATH, finished, start
from tests.recordings import silence, tone, wav
from tests.serve_fakes import WritingRecogniser, killable_server, runs, settings_in
from tests.servers import fake_loaders, running_server


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
    assert (both - once).total() <= 5, "only windows of the chunk in progress ran again"


def test_what_another_version_had_finished_is_worked_on_again(tmp_path: Path) -> None:
    """A server that is brought up to date in the middle of a job need not read the old one's checkpoints."""
    recording = wav(*[tone(10.0, 300), silence(4.0)] * 24)
    job_id = killed_in(tmp_path, recording)
    with closing(sqlite3.connect(tmp_path / "kept" / "server.db")) as database, database:
        assert database.execute("UPDATE chunks SET result = CAST('[{}]' AS BLOB)").rowcount > 0
    with killable_server(tmp_path, 0.0) as (url, _):
        job = finished(url, job_id, response_format="verbose_json")
        assert job["text"] == job["result"]["text"] != ""
        answer = httpx.get(f"{url}{PATH}/{job_id}/events", headers={"last-event-id": "1"})
        assert answer.status_code == 400, "what was shown before cannot be continued"
