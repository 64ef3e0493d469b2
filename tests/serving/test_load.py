"""Several requests at once: health and progress while a model works, the limit of requests, fairness."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from tests.client import LONG, post, settings
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import fake_loaders, running_server, wait_until


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
def test_one_request_too_many_is_answered_429_with_retry_after(tmp_path: Path) -> None:
    gate = threading.Event()
    loaders = fake_loaders(lambda: ScriptedRecogniser(gate=gate))
    with running_server(settings(tmp_path, max_requests=1), loaders) as server, ThreadPoolExecutor() as pool:
        first = pool.submit(post, server, LONG)
        wait_until(lambda: any(progress.total for progress in server.state.admission.in_flight))
        with pytest.raises(openai.RateLimitError) as refusal:
            server.client.audio.transcriptions.create(model="whisper-1", file=("a.wav", LONG))
        assert int(refusal.value.response.headers["retry-after"]) > 0
        gate.set()
        assert first.result().status_code == 200
        assert post(server, wav(tone(2.0))).status_code == 200


def test_a_short_recording_does_not_wait_for_a_long_one(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.2)
    config = settings(tmp_path, whisper_batch_size=1)
    with running_server(config, fake_loaders(lambda: recogniser)) as server, ThreadPoolExecutor() as pool:
        long = pool.submit(post, server, LONG)
        wait_until(lambda: len(recogniser.batches) > 0)
        assert post(server, wav(tone(2.0))).status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


def test_progress_is_shown_to_its_owner_and_counted_for_others(tmp_path: Path) -> None:
    gate = threading.Event()
    loaders = fake_loaders(lambda: ScriptedRecogniser(gate=gate))
    config = settings(tmp_path, api_keys="mine,yours")
    with running_server(config, loaders) as server, ThreadPoolExecutor() as pool:
        headers = {"authorization": "Bearer mine", "x-request-id": "my-words"}
        answer = pool.submit(
            httpx.post,
            f"{server.url}/v1/audio/transcriptions",
            data={"model": "whisper-1"},
            files={"file": ("a.wav", LONG)},
            headers=headers,
            timeout=60,
        )
        wait_until(lambda: any(progress.total for progress in server.state.admission.in_flight))

        def seen(key: str | None) -> list[str]:
            own = {"authorization": f"Bearer {key}"} if key else {}
            ready = httpx.get(f"{server.url}/health/ready", headers=own).json()
            assert ready["requests"] == 1
            return [entry["id"] for entry in ready["transcriptions"]]

        assert [seen(key) for key in (None, "wrong", "yours", "mine")] == [[], [], [], ["my-words"]]
        gate.set()
        assert answer.result().status_code == 200
