"""Programs that people have, unmodified, in live sessions: each has a turn that the server ends, one that it
commits, and one in which nobody speaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.live.programs import SAID, needs_peers, texts_of_node, texts_of_peer
from tests.contract.node_client import needs_node
from tests.deployment.proxies import Place, running_proxy
from tests.servers import RunningServer

THREE_TURNS = {"detected": SAID, "committed": SAID, "empty": ""}


@pytest.fixture(scope="module")
def secured(tiny_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server behind TLS, which two clients insist on."""
    port = int(tiny_server.url.rpartition(":")[2])
    with running_proxy("nginx", tmp_path_factory.mktemp("nginx"), port) as place:
        yield place


@needs_peers
@pytest.mark.contract("Clients", "openai (Python), asynchronous, live", "runs as it is")
def test_the_asynchronous_client(tiny_server: RunningServer, tmp_path: Path) -> None:
    assert texts_of_peer("openai_async.py", f"{tiny_server.url}/v1", tmp_path) == THREE_TURNS


@needs_peers
@pytest.mark.contract("Clients", "openai (Python), blocking, live", "runs as it is")
def test_the_blocking_client(tiny_server: RunningServer, tmp_path: Path) -> None:
    assert texts_of_peer("openai_sync.py", f"{tiny_server.url}/v1", tmp_path) == THREE_TURNS


@needs_peers
@pytest.mark.contract("Clients", "openai (Python), beta, live", "runs as it is, by TLS only")
def test_the_beta_client(secured: Place, tmp_path: Path) -> None:
    url = f"https://localhost:{secured.port}/v1"
    trusted = str(secured.certificate.file)
    assert texts_of_peer("openai_beta.py", url, tmp_path, SSL_CERT_FILE=trusted) == THREE_TURNS


@needs_node
@pytest.mark.contract("Clients", "openai (Node), live", "runs as it is, by TLS only")
def test_the_node_client(secured: Place, tmp_path: Path) -> None:
    url = f"https://localhost:{secured.port}/v1"
    trusted = str(secured.certificate.file)
    assert texts_of_node(url, tmp_path, NODE_EXTRA_CA_CERTS=trusted) == THREE_TURNS


@needs_peers
@pytest.mark.contract("Clients", "OpenAI Agents (Python), live", "its speech-to-text runs as it is")
def test_openai_agents(tiny_server: RunningServer, tmp_path: Path) -> None:
    assert texts_of_peer("agents_stt.py", f"{tiny_server.url}/v1", tmp_path) == THREE_TURNS


@needs_peers
@pytest.mark.contract("Clients", "LiveKit Agents, live", "its speech-to-text runs as it is")
def test_livekit(tiny_server: RunningServer, tmp_path: Path) -> None:
    assert texts_of_peer("livekit_stt.py", f"{tiny_server.url}/v1", tmp_path) == {
        "detected": SAID,
        "gpt-live-transcribe": SAID,
        "gpt-realtime-whisper": SAID,
        "empty": "",
    }


@needs_peers
@pytest.mark.contract("Clients", "pipecat, live", "its speech-to-text runs as it is")
def test_pipecat(tiny_server: RunningServer, tmp_path: Path) -> None:
    texts = texts_of_peer("pipecat_stt.py", f"{tiny_server.url}/v1", tmp_path)
    assert texts == {"detected": SAID, "committed": SAID}


@needs_peers
@pytest.mark.contract("Clients", "Home Assistant `openai_stt_ha`, live", "the events it sends")
def test_home_assistant(tiny_server: RunningServer, tmp_path: Path) -> None:
    assert texts_of_peer("home_assistant.py", f"{tiny_server.url}/v1", tmp_path, rate=16_000) == THREE_TURNS
