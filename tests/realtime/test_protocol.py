"""WebSockets among the connections of the server: they count, stay, and leave the books."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from routes.realtime.client_events import MAX_AUDIO_BYTES
from tests.realtime.clients import LiveServer, live_server
from tests.servers import wait_until

MAX_CONNECTIONS = 10


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("work")
    with live_server(folder, max_connections=MAX_CONNECTIONS) as running:
        running.live.limit = 2 * MAX_CONNECTIONS
        yield running


def status(server: LiveServer) -> int:
    return httpx.get(f"{server.running.url}/health").status_code


def test_websockets_count_as_connections_and_leave_the_books(small: LiveServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(small.connected()) for _ in range(MAX_CONNECTIONS)]
        assert status(small) == 503
        with pytest.raises(InvalidStatus) as refused, small.connected():
            pass
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body)["error"]["code"] == "resource_limit"
        assert all(client.transcript() for client in clients)  # none was closed to make room
        clients[0].socket.close()
        wait_until(lambda: len(small.live.open_ones) < MAX_CONNECTIONS)
        wait_until(lambda: status(small) == 200)
    wait_until(lambda: not small.live.open_ones)
    assert status(small) == 200


def test_many_that_come_and_go_leave_nothing(small: LiveServer) -> None:
    for number in range(60):
        with small.connected() as client:
            client.append()
            if number % 3 == 1:
                client.socket.socket.close()
            elif number % 3 == 2:
                client.socket.send("rubbish")
    wait_until(lambda: not small.live.open_ones)
    wait_until(lambda: status(small) == 200)
    assert small.running.state.drain.is_empty


def test_long_events_of_one_client_do_not_hold_up_others(small: LiveServer) -> None:
    event = json.dumps(
        {
            "type": "input_audio_buffer.append",
            "audio": base64.b64encode(bytes(MAX_AUDIO_BYTES)).decode(),
        }
    )
    with small.connected() as client, ThreadPoolExecutor(1) as pool, httpx.Client() as other:
        sending = [pool.submit(client.socket.send, event) for _ in range(3)]
        waits = []
        while len(small.session.audio) < 3 * MAX_AUDIO_BYTES:
            began = time.perf_counter()
            other.get(f"{small.running.url}/health").raise_for_status()
            waits.append(time.perf_counter() - began)
        assert all(sent.done() for sent in sending)
        assert sorted(waits)[len(waits) // 2] < 0.2
        assert client.transcript()
