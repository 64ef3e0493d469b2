"""A fault of one batch, or of one line, is nobody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from services.durable.batch_outputs import BatchOutputs
from services.durable.batch_service import BatchService
from services.durable.file_service import FileService
from services.durable.job_runner import JobRunner
from tests.builders import segment, transcript, words
from tests.durable.scripted_work import ScriptedWork
from utils.store.interface import Store
from utils.store.records import FileLimits, Job
from utils.store.sqlite.store import sqlite_store
from utils.temp_manager import TempManager

SAID = transcript([segment(words("So it is."))])


def test_a_line_that_cannot_be_rendered_is_an_error_and_leaves_no_half_line(tmp_path: Path) -> None:
    outputs = BatchOutputs(tmp_path, ScriptedWork(SAID))
    for name in ("first", "broken", "last"):
        job = Job(name, owner="", endpoint="", request="", custom_id=name, status="completed")
        outputs.write(job, SAID, is_cancelled=False)
    answers = [json.loads(line) for line in outputs.answers.read_text().splitlines()]
    assert [answer["response"]["body"] for answer in answers] == ["So it is."] * 2
    (error,) = [json.loads(line) for line in outputs.errors.read_text().splitlines()]
    assert (error["custom_id"], error["response"]["status_code"]) == ("broken", 500)
    assert outputs.counts().model_dump() == {"total": 3, "completed": 2, "failed": 1}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = sqlite_store(tmp_path / "server.db")
    await store.connection.open()
    yield store
    await store.connection.close()


async def test_a_batch_that_fails_again_and_again_fails_alone(store: Store, tmp_path: Path) -> None:
    files = FileService(store.files, tmp_path / "files", FileLimits(1_000_000, 100))
    await files.open()
    temp, work = TempManager(tmp_path), ScriptedWork(SAID)
    runner = JobRunner(store.jobs, tmp_path / "jobs", files, temp, work, 1, 3600)
    clock = count(step=1000)  # whatever waits has waited long enough the next time
    batches = BatchService(store.batches, files, runner, temp, work, monotonic=lambda: float(next(clock)))

    async def created(name: str) -> str:
        body = tmp_path / name
        await asyncio.to_thread(body.write_text, "")
        file = await files.create("", body, name, "batch")
        batch = await batches.create("", "/v1/audio/transcriptions", file.id, 24, None, None)
        if name == "broken":  # reading it is an error that nobody foresaw
            files.path(file.id).unlink()
            files.path(file.id).mkdir()
        return batch.id

    broken, good = await created("broken"), await created("good")
    running = asyncio.create_task(batches.run())
    try:
        async with asyncio.timeout(30):
            while (failed := await batches.find("", broken)).status != "failed":
                runner.batches_due.set()
                await asyncio.sleep(0)
        assert failed.errors
        assert failed.errors.data[0].code == "server_error"
        rejected = await batches.find("", good)
        assert rejected.errors
        assert rejected.errors.data[0].code == "empty_file"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        temp.close()
