"""The server with small limits that the tests of refusals and uploads share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import Settings
from tests.servers import RunningServer, fake_loaders, running_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = Settings(
        _env_file=None,
        workspace_dir=tmp_path_factory.mktemp("work"),
        max_upload_mb=1,
        max_audio_hours=20 / 3600,
        upload_idle_seconds=1,
    )
    with running_server(settings, fake_loaders()) as running:
        yield running
