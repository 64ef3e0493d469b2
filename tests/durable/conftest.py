"""The server that the tests of jobs, batches and files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import Settings
from tests.servers import RunningServer, fake_loaders, running_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(_env_file=None, workspace_dir=tmp_path_factory.mktemp("work"))
    with running_server(settings, fake_loaders()) as running:
        yield running
