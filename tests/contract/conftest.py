"""The server that the tests of the official Python client share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import Settings
from tests.contract.strict_client import CrashingRecogniser, StrictClient
from tests.servers import fake_loaders, running_server


@pytest.fixture(scope="package")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictClient]:
    recogniser = CrashingRecogniser()
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders(lambda: recogniser)) as server:
        yield StrictClient(server, recogniser)
