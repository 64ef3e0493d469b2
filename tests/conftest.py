"""What all tests share: the marks of the contract, and a server with real models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import Settings
from tests.compatibility import Recorder
from tests.servers import RunningServer, running_server


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "contract(area, name, how=''): a row of docs/compatibility.md")
    config.pluginmanager.register(Recorder())


@pytest.fixture(scope="session")
def tiny_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Real models throughout; the recogniser is tiny.en."""
    settings = Settings(
        _env_file=None, whisper_model="whisper-tiny.en", workspace_dir=tmp_path_factory.mktemp("work")
    )
    with running_server(settings) as server:
        yield server
