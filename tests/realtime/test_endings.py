"""How sessions end: by the client, by limits of time, by one that reads too slowly, by a shutdown."""

from __future__ import annotations

import base64
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from routes.realtime.outbox import MAX_BYTES
from tests.realtime.clients import Client, LiveServer, live_server
from tests.serve_fakes import is_up
from tests.servers import wait_until
from utils.live.events import Committed, SpeechStarted, TextDelta

COMPLETED = "conversation.item.input_audio_transcription.completed"


@pytest.fixture(autouse=True)
def _limits(server: LiveServer) -> Iterator[None]:
    yield
    server.limit()


def test_a_client_that_leaves_ends_its_session(server: LiveServer, client: Client) -> None:
    assert not server.running.state.drain.is_empty
    client.socket.close()
    wait_until(lambda: server.running.state.drain.is_empty)
    assert server.session.has_ended


def test_a_client_that_breaks_off_ends_its_session(server: LiveServer) -> None:
    with server.connected() as client:
        client.append()
        client.socket.socket.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: server.session.has_ended)


def test_a_client_that_sends_nothing_is_closed(server: LiveServer) -> None:
    server.limit(idle_seconds=0.3)
    with server.connected() as client:
        began = time.monotonic()
        assert client.closed() == (1001, "Nothing was sent for 0.3 s.")
        assert time.monotonic() - began < 5
        assert len(client.received) == 1  # no error: it would end real clients
    wait_until(lambda: server.session.has_ended)


def test_a_client_that_sends_is_not_idle(server: LiveServer) -> None:
    server.limit(idle_seconds=0.5)
    with server.connected() as client:
        for _ in range(6):
            time.sleep(0.15)
            client.append()
        assert client.transcript()


def test_the_longest_session(server: LiveServer) -> None:
    server.limit(max_minutes=0.3 / 60)
    with server.connected() as client:
        assert abs(client.received[0]["session"]["expires_at"] - time.time()) < 5
        server.session.answers = False
        client.commit()
        client.wait_for("conversation.item.done")
        code, reason = client.closed()
    assert (code, reason) == (1001, "Your session hit the maximum duration of 0.005 minutes.")
    error = client.received[-1]["error"]
    assert (error["code"], error["message"]) == ("session_expired", reason)
    assert error["type"] == "invalid_request_error"


def test_what_was_committed_is_answered_before_a_limit_closes(server: LiveServer) -> None:
    server.limit(idle_seconds=0.3)
    with server.connected() as client:
        server.session.answers = False
        client.commit()
        assert client.closed()[0] == 1001
    assert client.received[-1]["type"] == COMPLETED


@contextmanager
def unread(server: LiveServer) -> Iterator[socket.socket]:
    """A client that has shaken hands and reads no further, with little room on its side."""
    host, port = server.url.removeprefix("ws://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        key = base64.b64encode(bytes(16)).decode()
        head = (
            f"GET /v1/realtime HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        yield connection


def test_a_client_that_does_not_read_is_closed(server: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    number = len(server.live.sessions)
    with unread(server):
        wait_until(lambda: len(server.live.sessions) > number)
        text = "x" * 100_000
        session = server.session
        for _ in range(5 * MAX_BYTES // len(text)):
            session.say(TextDelta("item_0", text))
        wait_until(lambda: "1013 The client reads too slowly." in caplog.text)
    assert session.has_ended


def test_many_events_at_once_are_no_reason_to_close(server: LiveServer, client: Client) -> None:
    server.session.say(*(TextDelta("item_0", f" {number}") for number in range(3000)))
    assert [client.next()["delta"] for _ in range(3000)] == [f" {number}" for number in range(3000)]
    server.session.say(TextDelta("item_0", "x" * (2 * MAX_BYTES)))
    assert len(client.next()["delta"]) == 2 * MAX_BYTES
    assert client.transcript()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that may be told to shut down."""
    with live_server(tmp_path) as running:
        yield running


def begin_shutdown(server: LiveServer) -> None:
    server.session.loop.call_soon_threadsafe(server.running.state.drain.began.set)


def test_at_a_shutdown_what_was_committed_is_answered(own: LiveServer) -> None:
    with own.connected() as client:
        own.session.answers = False
        client.commit()
        client.wait_for("conversation.item.done")
        begin_shutdown(own)
        assert client.closed() == (1012, "This server is shutting down; connect again.")
    assert [event["type"] for event in client.received[-2:]] == ["conversation.item.done", COMPLETED]
    wait_until(lambda: own.running.state.drain.is_empty)


def test_at_a_shutdown_a_client_is_told_what_is_lost(own: LiveServer) -> None:
    with own.connected() as client:
        own.session.say(SpeechStarted("item_0", 0))
        client.wait_for("input_audio_buffer.speech_started")
        begin_shutdown(own)
        assert client.closed()[0] == 1012
    assert client.received[-1]["error"]["code"] == "server_shutting_down"


def test_at_the_end_of_the_drain_a_client_is_not_waited_for(own: LiveServer) -> None:
    with own.connected() as client:
        own.session.may_end.clear()
        own.session.say(Committed("item_0", None))
        client.wait_for("conversation.item.done")
        begin_shutdown(own)
        own.session.loop.call_soon_threadsafe(own.running.state.drain.over.set)
        assert client.closed()[0] == 1012
    assert client.received[-1]["error"]["type"] == "server_error"


def test_during_a_shutdown_nobody_comes_in(own: LiveServer) -> None:
    with own.connected():
        own.session.may_end.clear()
        begin_shutdown(own)
        with pytest.raises(InvalidStatus) as refused, own.connected():
            pass
        own.session.loop.call_soon_threadsafe(own.running.state.drain.over.set)
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["retry-after"]) > 0


def test_a_server_that_is_terminated_finishes_its_sessions(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.realtime.serve_scripted", str(port), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_up(f"http://127.0.0.1:{port}/health/ready"))
            with connect(f"ws://127.0.0.1:{port}/v1/realtime", compression=None, proxy=None) as connection:
                client = Client(connection)
                client.commit()
                client.wait_for("conversation.item.done")
                process.terminate()
                assert client.closed()[0] == 1012
            assert client.received[-1]["type"] == COMPLETED
            process.wait(10)
        finally:
            process.kill()
