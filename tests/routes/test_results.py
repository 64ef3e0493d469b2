"""The same upload twice: joined while it is worked on, found when it is done, never shared between keys."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from assembly import build_state
from config import Settings
from options import TranscriptionOptions
from services.result_service import Recording
from tests.client import LONG
from tests.fakes import ScriptedRecogniser
from tests.recordings import tone, wav
from tests.servers import RunningServer, fake_loaders, running_server, wait_until
from utils.transcript.events import Settled
from utils.waiting.progress import Progress

SPEECH = wav(tone(2.0))


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(
        _env_file=None,
        api_keys="ann-key,bob-key",
        workspace_dir=tmp_path / "work",
        data_dir=tmp_path / "data",
        **changes,
    )


def request(server: RunningServer, file: bytes, key: str = "ann-key", **fields: str) -> httpx.Request:
    return httpx.Request(
        "POST",
        f"{server.url}/v1/audio/transcriptions",
        data={"model": "whisper-1"} | fields,
        files={"file": ("talk.wav", file)},
        headers={"authorization": f"Bearer {key}"},
    )


def post(server: RunningServer, file: bytes, key: str = "ann-key", **fields: str) -> httpx.Response:
    with httpx.Client(timeout=60) as client:
        return client.send(request(server, file, key, **fields))


@contextmanager
def disconnecting_client(server: RunningServer, file: bytes) -> Iterator[None]:
    """A client that has sent its request, and disconnects without waiting for the answer."""
    address, asked = urlsplit(server.url), request(server, file)
    head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(f"POST {asked.url.path} HTTP/1.1\r\n{head}\r\n".encode() + asked.read())
        yield


@dataclass(frozen=True)
class PausedServer:
    """A server whose recogniser waits for the gate to open."""

    server: RunningServer
    recogniser: ScriptedRecogniser
    gate: threading.Event
    log: pytest.LogCaptureFixture

    def wait_for_in_flight(self, count: int) -> None:
        wait_until(lambda: len(self.server.state.admission.in_flight) == count)

    def wait_for_a_join(self) -> None:
        wait_until(lambda: "joined" in self.log.text)

    def wait_for_a_batch(self) -> None:
        wait_until(lambda: bool(self.recogniser.batches))


@pytest.fixture
def paused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[PausedServer]:
    caplog.set_level(logging.INFO)
    gate = threading.Event()
    recogniser = ScriptedRecogniser(seconds_per_batch=0.3, gate=gate)
    loaders = fake_loaders(lambda: recogniser)
    config = settings(tmp_path, whisper_batch_size=1, abandoned_seconds=0)
    with running_server(config, loaders) as server:
        yield PausedServer(server, recogniser, gate, caplog)
        gate.set()


@pytest.mark.contract(
    "Errors and headers", "`x-cache`", "`joined`: a retry of what runs; `hit`: a finished result; `miss`"
)
def test_a_retry_joins_what_runs(paused: PausedServer) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, paused.server, SPEECH)
        paused.wait_for_a_batch()
        second = pool.submit(post, paused.server, SPEECH, response_format="text")
        paused.wait_for_a_join()
        paused.gate.set()
    assert (first.result().headers["x-cache"], first.result().json()["text"]) == ("miss", "w w")
    assert (second.result().headers["x-cache"], second.result().text) == ("joined", "w w\n")
    assert len(paused.recogniser.batches) == 1
    paused.wait_for_in_flight(0)
    assert list(paused.server.state.temp.root.iterdir()) == []


@pytest.mark.parametrize("other", [{"key": "bob-key"}, {"language": "de"}, {"file": wav(tone(2.1))}])
@pytest.mark.contract("Errors and headers", "`x-cache`")
def test_other_keys_options_and_recordings_run_on_their_own(
    paused: PausedServer, other: dict[str, Any]
) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, paused.server, SPEECH)
        paused.wait_for_a_batch()
        second = pool.submit(post, paused.server, **({"file": SPEECH} | other))
        paused.wait_for_in_flight(2)
        paused.gate.set()
    assert [answer.result().headers["x-cache"] for answer in (first, second)] == ["miss", "miss"]
    assert len(paused.recogniser.batches) == 2


def test_the_first_caller_may_disconnect_before_the_second(paused: PausedServer) -> None:
    with ThreadPoolExecutor() as pool:
        with disconnecting_client(paused.server, SPEECH):
            paused.wait_for_a_batch()
            second = pool.submit(post, paused.server, SPEECH)
            paused.wait_for_a_join()
        paused.wait_for_in_flight(1)
        paused.gate.set()
    assert second.result().json()["text"] == "w w"
    assert len(paused.recogniser.batches) == 1


def test_the_work_stops_when_the_last_caller_has_disconnected(paused: PausedServer) -> None:
    with disconnecting_client(paused.server, LONG):
        paused.wait_for_a_batch()
        with disconnecting_client(paused.server, LONG):
            paused.wait_for_a_join()
        paused.wait_for_in_flight(1)
    paused.gate.set()
    paused.wait_for_in_flight(0)
    assert len(paused.recogniser.batches) < 10, "there is a batch for every tone of 20"
    assert list(paused.server.state.temp.root.iterdir()) == []


@pytest.mark.contract("Errors and headers", "`x-cache`")
def test_a_finished_result_is_found_again_in_every_format(
    tmp_path: Path,
) -> None:
    recogniser = ScriptedRecogniser()
    with running_server(settings(tmp_path), fake_loaders(lambda: recogniser)) as server:
        made = post(server, SPEECH, response_format="verbose_json", diarize="true")
        assert made.headers["x-cache"] == "miss"
        found = post(server, SPEECH, response_format="verbose_json", diarize="true")
        spoken = post(server, SPEECH, model="gpt-4o-transcribe", response_format="srt", diarize="true")
        assert [answer.headers["x-cache"] for answer in (found, spoken)] == ["hit", "hit"]
        assert found.content == made.content
        assert "Speaker A: w w" in spoken.text
        assert len(recogniser.batches) == 1
        for fresh in (
            post(server, SPEECH, key="bob-key", response_format="srt", diarize="true"),
            post(server, SPEECH, response_format="srt"),
            post(server, wav(tone(2.1)), response_format="srt", diarize="true"),
        ):
            assert fresh.headers["x-cache"] == "miss"


def test_a_result_outlives_the_server_but_not_another_model(tmp_path: Path) -> None:
    sources = []
    for changes in ({}, {}, {"whisper_beam_size": 1}, {"result_cache_mb": 0}, {}):
        with running_server(settings(tmp_path, **changes), fake_loaders()) as server:
            sources.append(post(server, SPEECH).headers["x-cache"])
    assert sources == ["miss", "hit", "miss", "miss", "miss"]


def test_a_damaged_result_is_made_anew(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        post(server, SPEECH)
        for path in (tmp_path / "data/results").iterdir():
            path.write_bytes(path.read_bytes()[:-5])
        assert [post(server, SPEECH).headers["x-cache"] for _ in "ab"] == ["miss", "hit"]


def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        assert [post(server, b"no audio").status_code for _ in "ab"] == [400, 400]
        assert not (tmp_path / "data/results").exists()


async def test_a_stream_sends_a_kept_result_at_once_and_keeps_its_own(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser()
    state = build_state(settings(tmp_path), fake_loaders(lambda: recogniser))
    (tmp_path / "data").mkdir()
    streams = []
    for owner in ("ann", "ann", "bob"):
        async with state.temp.workspace() as workspace:
            recording = Recording(workspace / "upload", "digest", owner)
            recording.path.write_bytes(SPEECH)
            stream = state.results.stream(recording, TranscriptionOptions(), workspace, Progress("r"))
            streams.append([event async for event in stream])
    await state.close()
    first, again, other = (
        ["".join(s.text for s in event.segments) for event in events if isinstance(event, Settled)]
        for events in streams
    )
    assert "".join(first) == "".join(again) == "".join(other) == " w w"
    assert streams[0][-1] == streams[1][-1]
    assert len(recogniser.batches) == 2
