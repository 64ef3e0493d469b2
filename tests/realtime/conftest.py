"""The server without keys that most tests of the wire share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realtime.clients import Client, LiveServer, live_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("work")) as running:
        yield running


@pytest.fixture
def client(server: LiveServer) -> Iterator[Client]:
    with server.connected() as connected:
        yield connected
