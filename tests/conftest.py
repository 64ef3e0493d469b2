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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On several workers the tests of a module stay together, as they share its server; where a module has a
    server for each parameter, those of a parameter do."""
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        item.add_marker(pytest.mark.xdist_group(f"{item.path}-{parameters.get('server')}"))


@pytest.fixture(scope="session")
def tiny_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Real models throughout; the recogniser is tiny.en."""
    settings = Settings(
        _env_file=None, whisper_model="whisper-tiny.en", workspace_dir=tmp_path_factory.mktemp("work")
    )
    with running_server(settings) as server:
        yield server
