"""Programs in an environment of their own, .venv-peers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.recordings import FIXTURES
from tests.servers import RunningServer

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers/bin/python"
DIALOGUE = FIXTURES / "dialogue.flac"
needs_peers = pytest.mark.skipif(
    not PYTHON.exists(), reason="`make test-contract` installs these programs, in an environment of their own"
)


def run_peer(script: str, server: RunningServer, recording: Path) -> str:
    done = subprocess.run(
        [PYTHON, Path(__file__).parent / "peers" / script, f"{server.url}/v1", recording],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("TEXT:")[2]
