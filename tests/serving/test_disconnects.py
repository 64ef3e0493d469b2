"""Clients that disconnect: their work stops, where none may be abandoned, and nothing is left of it."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.client import LONG, settings
from tests.fakes import ScriptedRecogniser
from tests.servers import fake_loaders, running_server, wait_until

HOW = "its work goes on for `ABANDONED_SECONDS`, behind all others, for a retry; 0 stops it within a batch"


@pytest.mark.contract("Errors and headers", "a client that disconnects", HOW)
def test_a_client_that_disconnects_stops_its_work_within_one_batch(tmp_path: Path) -> None:
    recogniser = ScriptedRecogniser(seconds_per_batch=0.3)
    config = settings(tmp_path, whisper_batch_size=1, abandoned_seconds=0)
    with running_server(config, fake_loaders(lambda: recogniser)) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{server.url}/v1/audio/transcriptions",
                data={"model": "whisper-1"},
                files={"file": ("talk.wav", LONG)},
                timeout=httpx.Timeout(20, read=1.0),
            )
        begun = len(recogniser.batches)
        wait_until(lambda: not server.state.admission.in_flight)
        assert len(recogniser.batches) <= begun + 1 < 20
        assert list(server.state.temp.root.iterdir()) == []


def test_a_client_that_disconnects_while_it_uploads_leaves_nothing(tmp_path: Path) -> None:
    with running_server(settings(tmp_path), fake_loaders()) as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            head = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n"
            client.sendall(f"{head}content-type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
            wait_until(lambda: len(server.state.admission.in_flight) == 1)
        wait_until(lambda: not server.state.admission.in_flight)
        assert list(server.state.temp.root.iterdir()) == []
