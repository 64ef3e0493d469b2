"""Clients that time out and try again: their work goes on meanwhile, behind that of others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from assembly import build_state
from exceptions import InsufficientStorageError
from options import TranscriptionOptions
from services.result_service import Recording
from tests.client import leave_once, post, settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import silence, tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until
from utils.waiting.progress import Progress

WINDOWS = 8
TALK = wav(*[tone(2.0), silence(4.0)] * WINDOWS)
TEXT = " ".join(["w w"] * WINDOWS)


@contextmanager
def paused_server(
    folder: Path, seconds_per_batch: float = 0.0, **changes: object
) -> Iterator[tuple[RunningServer, ScriptedRecogniser, threading.Event]]:
    """A server whose recogniser waits for the gate to open."""
    gate = threading.Event()
    recogniser = ScriptedRecogniser(seconds_per_batch, gate)
    config = settings(folder, whisper_batch_size=1, **changes)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        yield server, recogniser, gate
        gate.set()


def abandon(server: RunningServer, file: bytes) -> None:
    """A client that leaves as soon as its recording is decoded."""
    root = server.state.temp.root
    earlier = len(list(root.glob("*/audio.s16")))

    def is_decoded() -> bool:
        return len(list(root.glob("*/audio.s16"))) > earlier and not any(root.glob("*/upload-*"))

    leave_once(server, file, is_decoded)


@pytest.mark.contract("Errors and headers", "timeouts", "a retry joins the work that its earlier try began")
def test_a_client_whose_timeout_is_shorter_than_the_work_gets_its_transcript(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.15)
    config = settings(tmp_path, whisper_batch_size=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        client = server.client.with_options(timeout=0.5, max_retries=5)
        answer = client.audio.transcriptions.create(model="whisper-1", file=("talk.wav", TALK))
    assert answer.text == TEXT
    assert len(recogniser.batches) == WINDOWS


def test_a_recording_that_outlasts_several_proxy_timeouts_is_worked_on_once(tmp_path: Path) -> None:
    with paused_server(tmp_path, max_requests=1) as (server, recogniser, gate):
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{server.url}/v1/audio/transcriptions",
                    data={"model": "whisper-1"},
                    files={"file": ("talk.wav", TALK)},
                    timeout=httpx.Timeout(20, read=0.2),
                )
            wait_until(lambda: not server.state.admission.in_flight)
        gate.set()
        answer = post(server, TALK, response_format="text")
    assert (answer.headers["x-cache"], answer.text.strip()) == ("joined", TEXT)
    assert len(recogniser.batches) == WINDOWS


def test_what_was_finished_meanwhile_is_there_for_the_retry(tmp_path: Path) -> None:
    with paused_server(tmp_path) as (server, recogniser, gate):
        abandon(server, TALK)
        gate.set()
        wait_until(lambda: not any(server.state.temp.root.iterdir()))
        assert post(server, TALK).json()["text"] == TEXT
    assert len(recogniser.batches) == WINDOWS


def test_work_that_nobody_came_back_for_is_stopped(tmp_path: Path) -> None:
    with paused_server(tmp_path, abandoned_seconds=0.1) as (server, recogniser, gate):
        abandon(server, TALK)
        wait_until(lambda: not any(server.state.temp.root.iterdir()))
        gate.set()
        assert len(recogniser.batches) < WINDOWS


def test_a_newcomer_is_served_before_abandoned_work(tmp_path: Path) -> None:
    with paused_server(tmp_path, seconds_per_batch=0.01) as (server, recogniser, gate):
        for hertz in range(300, 380, 10):
            abandon(server, wav(*[tone(2.0, hertz), silence(4.0)] * WINDOWS))
        before = len(recogniser.batches)
        threading.Timer(0.1, gate.set).start()
        assert post(server, TALK).json()["text"] == TEXT
        assert len(recogniser.batches) - before < 2 * WINDOWS, "of nine times as many"


def test_a_server_that_is_stopped_does_not_wait_for_abandoned_work(tmp_path: Path) -> None:
    with paused_server(tmp_path, seconds_per_batch=0.1) as (server, recogniser, gate):
        abandon(server, TALK)
        gate.set()
    assert len(recogniser.batches) < WINDOWS
    assert list(tmp_path.iterdir()) == []


async def test_abandoned_work_gives_way_where_the_disk_lacks_the_space(tmp_path: Path) -> None:
    gate = threading.Event()
    config = settings(tmp_path / "work", data_dir=tmp_path / "data")
    state = build_state(config, fake_loaders(lambda: ScriptedRecogniser(gate=gate)))
    async with state.temp.workspace() as workspace:
        recording = Recording(workspace / "upload", "digest", "ann")
        recording.path.write_bytes(TALK)
        work = state.results.transcribe(recording, TranscriptionOptions(), Progress("gone"))
        caller = asyncio.create_task(work)
        await asyncio.sleep(0.1)
        caller.cancel()
        await asyncio.wait([caller])
        assert len(list(state.temp.root.iterdir())) == 2
        with pytest.raises(InsufficientStorageError):
            await state.temp.room.reserve(workspace, 10**18)
        assert list(state.temp.root.iterdir()) == [workspace]
    gate.set()
    await state.close()
