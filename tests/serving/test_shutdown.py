"""SIGTERM in the middle of a long recording."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.client import LONG
from tests.serve_fakes import is_up, killable_server
from tests.servers import wait_until


@pytest.mark.contract("Errors and headers", "503 `server_shutting_down`", "with `retry-after`")
def test_a_server_that_is_terminated_does_not_finish_a_long_recording(tmp_path: Path) -> None:
    """SIGTERM in the middle of work: it ends within seconds and removes its workspace."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import server\n"
        "from tests.client import settings\n"
        "from tests.fakes import ScriptedRecogniser\n"
        "from tests.servers import fake_loaders\n"
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
            wait_until(lambda: is_up(f"{url}/health/ready"))
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


def test_streams_under_way_end_with_the_error(tmp_path: Path) -> None:
    """The answer of a transcription, and the events of a job, which takes no place among the requests."""
    with killable_server(tmp_path, 0.4, prefix=["env", "SHUTDOWN_SECONDS=4"]) as (url, process):
        address = f"{url}/v1/audio/transcriptions"
        post = partial(httpx.stream, "POST", address, files={"file": ("talk.wav", LONG)}, timeout=60)
        form = {"model": "whisper-1"}
        with post(data=form | {"background": "true"}) as answer:
            job = json.loads(answer.read())["id"]
        with (
            post(data=form | {"stream": "true"}) as streamed,
            httpx.stream("GET", f"{address}/{job}/events", timeout=60) as followed,
        ):
            lines = [response.iter_lines() for response in (streamed, followed)]
            assert [next(events) for events in lines]
            process.terminate()
            for events in lines:
                *_, last = (line.removeprefix("data: ") for line in events if line.startswith("data: "))
                assert json.loads(last)["error"]["code"] == "server_shutting_down"
        process.wait(10)
