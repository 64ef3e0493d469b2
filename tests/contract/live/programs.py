"""Programs that open a live session, in an environment of their own, .venv-peers-live, and what they say."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from models import SAMPLE_RATE
from tests.contract.node_client import FOLDER as NODE
from tests.recordings import FIXTURES, conversation

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers-live/bin/python"
SAID = "Did you finish the report about the summer market?"
SPOKEN_SECONDS = 3.3
needs_peers = pytest.mark.skipif(
    not PYTHON.exists(), reason="`make test-contract` installs these programs, in an environment of their own"
)


def speech(rate: int) -> bytes:
    """Somebody says SAID: 16-bit samples."""
    samples = conversation("dialogue", FIXTURES).samples[: round(SPOKEN_SECONDS * SAMPLE_RATE)]
    samples = resample_poly(samples, rate, SAMPLE_RATE).clip(-1, 1)
    return bytes((samples * np.iinfo(np.int16).max).astype("<i2"))


def texts_of_peer(
    script: str, base_url: str, folder: Path, rate: int = 24_000, **more: str
) -> dict[str, str]:
    return _texts([PYTHON, Path(__file__).parent / "peers" / script], base_url, folder, rate, more)


def texts_of_node(base_url: str, folder: Path, **more: str) -> dict[str, str]:
    return _texts(["node", NODE / "live.mjs"], base_url, folder, 24_000, more)


def _texts(
    program: list[str | Path], base_url: str, folder: Path, rate: int, more: dict[str, str]
) -> dict[str, str]:
    """What the program heard in each turn, by the name of the turn. `more`: variables of its environment."""
    recording = folder / "speech.pcm"
    recording.write_bytes(speech(rate))
    done = subprocess.run(
        [*program, base_url, recording],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONWARNINGS": "ignore"} | more,
    )
    assert done.returncode == 0, done.stderr
    texts: dict[str, str] = json.loads(done.stdout.partition("TEXT:")[2])
    return texts
