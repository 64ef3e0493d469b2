"""Calls of the official Node client, and what came of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "node"

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (FOLDER / "node_modules/.ready").exists(),
    reason="Node or its client is not installed (`make test-contract` installs it); the Python client "
    "proves the same server",
)


@dataclass(frozen=True)
class Outcome:
    """What the client returned (every event of a stream), or the error that it raised. `invalid` says where
    a value is not of the type that the client declares."""

    values: list[Any] = field(default_factory=list)
    invalid: list[Any] = field(default_factory=list)
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        assert not self.error, self.error
        assert not self.invalid, self.invalid
        return self.values[0]


def call_node(url: str, method: str, *args: Any, type_: str = "", api_key: str = "unused") -> Outcome:
    """`client.<method>(...args)`; `type_` as `audio/transcriptions:Transcription`. A file is `file(path)`."""
    module, _, name = type_.partition(":")
    job = {
        "baseURL": f"{url}/v1",
        "apiKey": api_key,
        "call": method,
        "args": args,
        "type": {"module": module, "name": name} if name else None,
    }
    done = subprocess.run(
        ["node", "drive.mjs"],
        cwd=FOLDER,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Outcome(**json.loads(done.stdout))


def file(path: Path) -> dict[str, str]:
    return {"$file": str(path)}
