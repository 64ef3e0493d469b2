"""`python -m cli health`, against servers that listen where containers let them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.health import check_health
from config import Settings
from tests.client import settings
from tests.servers import RunningServer, fake_loaders, running_server

ROOT = Path(__file__).parents[2]
UNREACHABLE = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")


def port_of(server: RunningServer) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "127.0.0.9", "localhost", "::", "::1"])
def test_it_asks_where_the_server_listens(host: str, tmp_path: Path) -> None:
    own = settings(tmp_path, host=host, allowed_hosts="app.example.com", root_path="/whisper")
    with running_server(own, fake_loaders()) as server:
        asked = own.model_copy(update={"port": port_of(server)})
        assert check_health(asked) == 0
        assert check_health(asked, is_ready=True) == 0


def test_the_command_reads_the_environment_and_uses_no_proxy(tmp_path: Path) -> None:
    own = settings(tmp_path, api_keys="secret")
    with running_server(own, fake_loaders()) as server:
        environment = os.environ | UNREACHABLE | {"HOST": "127.0.0.1", "PORT": str(port_of(server))}
        command = [sys.executable, "-m", "cli", "health", "--ready"]
        assert subprocess.run(command, cwd=ROOT, env=environment, timeout=60).returncode == 0


def test_a_server_that_is_gone_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert check_health(Settings(_env_file=None, port=port)) == 1
    assert f"127.0.0.1 port {port} does not answer" in capsys.readouterr().err


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that gives one answer; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "/health answers 503"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer"),
        (b"", "does not answer"),
    ],
)
def test_another_answer_is_not_healthy(
    answer: bytes, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(answer) as port:
        assert check_health(Settings(_env_file=None, port=port)) == 1
    assert reason in capsys.readouterr().err


def test_a_server_that_loads_its_models_is_alive_but_not_ready(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n") as port:
        assert check_health(Settings(_env_file=None, port=port), is_ready=True) == 1
    assert "/health/ready answers 503" in capsys.readouterr().err
