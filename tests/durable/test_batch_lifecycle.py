"""Batches that are cancelled, share a worker, survive a crash or expire."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import openai
import pytest

from config import Settings
from tests.durable.batches import answers, client_of, finished, line, recording, start
from tests.fakes import ScriptedRecogniser
from tests.serve_fakes import killable_server, runs
from tests.servers import fake_loaders, running_server


@pytest.mark.contract("Files and batches", "`batches.cancel`", "what is done is kept")
@pytest.mark.contract("Files and batches", "`batches.list`", "newest first, in pages")
def test_a_cancelled_batch_keeps_what_was_done(tmp_path: Path) -> None:
    gate = threading.Event()
    recogniser = ScriptedRecogniser(gate=gate)
    settings = Settings(_env_file=None, workspace_dir=tmp_path, jobs_at_once=1)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        gate.set()
        first = finished(client, start(client, line("done", recording(client, 2.0))))
        assert first.status == "completed"
        with pytest.raises(openai.BadRequestError):
            client.batches.cancel(first.id)
        gate.clear()
        talk = recording(client, 2.0)
        batch = start(client, *(line(str(number), talk) for number in range(5)))
        while len(recogniser.batches) < 2:
            time.sleep(0.01)
        assert client.batches.cancel(batch.id).status == "cancelling"
        gate.set()
        batch = finished(client, batch)
        assert batch.status == "cancelled"
        assert batch.cancelled_at
        assert [listed.id for listed in client.batches.list(limit=1)] == [batch.id, first.id]
        missing = answers(client, batch.error_file_id)
        assert {entry["error"]["code"] for entry in missing.values()} == {"batch_cancelled"}
        assert len(recogniser.batches) == 2


def test_batches_take_turns(tmp_path: Path) -> None:
    gate = threading.Event()
    recogniser = ScriptedRecogniser(gate=gate)
    settings = Settings(_env_file=None, workspace_dir=tmp_path, jobs_at_once=1)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        talk = recording(client, 2.0)
        long = start(client, *(line(str(number), talk) for number in range(20)))
        while not recogniser.batches:
            time.sleep(0.01)
        short = start(client, line("short", talk))
        while client.batches.retrieve(short.id).status == "validating":
            time.sleep(0.01)
        gate.set()
        assert finished(client, short).status == "completed"
        counts = client.batches.retrieve(long.id).request_counts
        assert counts
        assert counts.completed < 20
        assert finished(client, long).status == "completed"


@pytest.mark.contract("Files and batches", "a server that is killed", "finished lines are not run again")
def test_a_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    """Lines have lengths of their own, so that what the recogniser was given tells which of them ran."""
    lengths = [n + 1 for n in range(8)]
    with killable_server(tmp_path, 0.15) as (url, process), client_of(url) as client:
        talks = [recording(client, float(length)) for length in lengths]
        batch = start(client, *(line(str(n), talk) for n, talk in enumerate(talks)))
        while (counts := client.batches.retrieve(batch.id).request_counts) is None or counts.completed < 3:
            time.sleep(0.02)
        process.kill()
        process.wait()
    before = len(runs(tmp_path))
    with killable_server(tmp_path, 0.0) as (url, _), client_of(url) as client:
        batch = finished(client, batch)
        texts = [
            entry["response"]["body"]["text"] for entry in answers(client, batch.output_file_id).values()
        ]
    assert batch.status == "completed"
    assert [len(text.split()) for text in texts] == lengths
    assert 3 <= before < len(lengths)
    assert len(runs(tmp_path)) in (len(lengths), len(lengths) + 1), "only the line in progress ran again"


@pytest.mark.contract("Files and batches", "`expired`", "after the completion window; what is done is kept")
def test_a_batch_that_is_late_expires_with_what_is_done(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, workspace_dir=tmp_path / "work", data_dir=tmp_path / "kept", jobs_at_once=1
    )
    recogniser = ScriptedRecogniser(seconds_per_batch=0.5)
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        client = server.client
        talk = recording(client, 2.0)
        batch = start(client, line("first", talk), line("second", talk), window="1h")
        assert batch.expires_at == batch.created_at + 3600
        while (counts := client.batches.retrieve(batch.id).request_counts) is None or counts.completed < 1:
            time.sleep(0.01)
    with closing(sqlite3.connect(tmp_path / "kept" / "server.db")) as database:
        late = "UPDATE batches SET document = json_set(document, '$.expires_at', 1)"
        database.execute(late)
        database.commit()
    with running_server(settings, fake_loaders()) as server:
        batch = finished(server.client, batch)
        assert batch.status == "expired"
        assert batch.expired_at
        assert list(answers(server.client, batch.output_file_id)) == ["first"]
        unanswered = answers(server.client, batch.error_file_id)
        assert unanswered["second"]["error"]["code"] == "batch_expired"
