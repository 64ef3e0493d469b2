"""Jobs that are tried again: what was shown stays, what has to wait makes room, and failures come once."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from config import Settings
from exceptions import ModelFailedError, ModelUnavailableError
from models import SAMPLE_RATE, WindowText
from options import DecodeOptions
from seams import EncodedWindow
from services.durable.job_runner import MAX_FAILURES
from tests.durable.jobs import LONG, PATH, TALK, finished, start
from tests.durable.test_job_events import events_of, segments_of, text_of
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until


def settings_in(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, workspace_dir=folder, whisper_batch_size=1, jobs_at_once=1, **changes)


class SamplingRecogniser(ScriptedRecogniser):
    """Ends a sentence with each window and says something else every time, as Whisper may above temperature
    0; fails in between, at the calls `failing`."""

    def __init__(self, *failing: int) -> None:
        super().__init__()
        self._failing = failing

    def after_decode(self, texts: list[WindowText]) -> list[WindowText]:
        call = len(self.batches)
        if call in self._failing:
            raise ModelFailedError("out of memory")
        return [_renamed(text, f" call{call}") for text in texts]


def _renamed(text: WindowText, said: str) -> WindowText:
    words = [replace(word, text=said) for word in text.words]
    words[-1] = replace(words[-1], text=f"{said}.")
    return replace(text, text="".join(word.text for word in words), words=tuple(words))


def test_what_was_shown_before_a_failure_stays_and_comes_once(tmp_path: Path) -> None:
    recogniser = SamplingRecogniser(3, 4)
    with (
        running_server(settings_in(tmp_path), fake_loaders(lambda: recogniser)) as server,
        ThreadPoolExecutor() as pool,
    ):
        job_id = start(server.url, LONG, response_format="diarized_json", num_speakers="1")
        live = pool.submit(events_of, server.url, job_id)
        job = finished(server.url, job_id)
        events = events_of(server.url, job_id)
    assert job["status"] == "completed", job
    assert live.result() == events
    assert job["text"] == text_of(events) == job["result"]["text"]
    assert "".join(segment["text"] for segment in segments_of(events)) == job["text"].replace(". ", ".")
    assert job["text"].startswith("call1 "), "what was shown first"
    assert len(recogniser.batches) > 4, "and the rest was recognised again"


def test_a_failed_job_has_one_error_at_its_end(tmp_path: Path) -> None:
    recogniser = SamplingRecogniser(*range(3, 100))
    with running_server(settings_in(tmp_path), fake_loaders(lambda: recogniser)) as server:
        job_id = start(server.url, LONG)
        job = finished(server.url, job_id)
        events = [json.loads(data) for _, data in events_of(server.url, job_id)]
    assert (job["status"], job["error"]["code"]) == ("failed", "model_failed")
    assert [event.get("error") for event in events] == [None] * (len(events) - 1) + [job["error"]]


class MissingModel(ScriptedRecogniser):
    """Windows of three seconds want a model that is not there until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0
        self.is_there = threading.Event()

    def before_decode(self, windows: Sequence[EncodedWindow], options: Sequence[DecodeOptions]) -> None:
        if max(window.num_samples for window in windows) > 2 * SAMPLE_RATE and not self.is_there.is_set():
            self.tries += 1
            error = ModelUnavailableError("The model failed a moment ago.")
            error.retry_after = 0
            raise error


def test_a_job_waits_for_its_model_and_lets_others_go_first(tmp_path: Path) -> None:
    recogniser = MissingModel()
    with running_server(settings_in(tmp_path), fake_loaders(lambda: recogniser)) as server:
        waiting = start(server.url, wav(tone(3.0)))
        wait_until(lambda: recogniser.tries > 3 * MAX_FAILURES)
        assert finished(server.url, start(server.url, wav(tone(1.0))))["status"] == "completed"
        assert httpx.get(f"{server.url}{PATH}/{waiting}").json()["status"] in ("queued", "in_progress")
        recogniser.is_there.set()
        assert finished(server.url, waiting)["status"] == "completed"


def test_a_waiting_job_can_be_deleted(tmp_path: Path) -> None:
    recogniser = MissingModel()
    with running_server(settings_in(tmp_path), fake_loaders(lambda: recogniser)) as server:
        waiting = start(server.url, wav(tone(3.0)))
        wait_until(lambda: recogniser.tries > 0)
        assert httpx.delete(f"{server.url}{PATH}/{waiting}").status_code == 200
        assert httpx.get(f"{server.url}{PATH}/{waiting}").status_code == 404
        assert finished(server.url, start(server.url, wav(tone(1.0))))["status"] == "completed"


def test_nothing_is_kept_of_those_who_followed_a_job(server: RunningServer) -> None:
    job_id = start(server.url, TALK)
    finished(server.url, job_id)
    events_of(server.url, job_id)
    wait_until(lambda: len(server.state.durable.runner.changes) == 0)
