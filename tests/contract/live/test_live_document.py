"""docs/live.md: its programs run and print what it shows, its versions are those that are tested."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.live.sources import decoded
from tests.contract.node_client import FOLDER as NODE
from tests.contract.node_client import needs_node
from tests.packaging.requirement_files import requirements
from tests.recordings import FIXTURES
from tests.servers import RunningServer

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/live.md").read_text()
HEARD_BY_A_PAGE = """
import { WebSocket } from "ws";
import { readFileSync } from "node:fs";
globalThis.WebSocket = WebSocket;

// A browser's microphone: the processor gets 128 samples at a time.
const speech = new Int16Array(new Uint8Array(readFileSync(process.argv[2])).buffer);
let processor, sent = 0;
const port = { postMessage: (piece) => { append(socket, piece); sent++; } };
globalThis.AudioWorkletProcessor = class { port = port };
globalThis.registerProcessor = (_, Processor) => { processor = new Processor(); };
eval(PROCESSOR);

const secret = await clientSecret("unused");
const socket = transcribe(secret, (turn, text, complete) => {
  if (!complete || !text) return;
  console.log(JSON.stringify({ text, protocol: socket.protocol, sent }));
  socket.close();
});
socket.onopen = () => {
  for (let start = 0; start < speech.length; start += 128) {
    processor.process([[Float32Array.from(speech.subarray(start, start + 128), (sample) => sample / 32768)]]);
  }
};
"""


def block(language: str) -> str:
    """The first of this language; what programs print has none."""
    blocks = (block.partition("\n") for block in PAGE.split("```")[1::2])
    return next(text for name, _, text in blocks if name == language)


@pytest.fixture
def dialogue() -> bytes:
    return b"".join(decoded(FIXTURES / "dialogue.flac"))


def test_the_python_program_prints_what_is_shown(tiny_server: RunningServer, dialogue: bytes) -> None:
    code = block("python").replace("http://127.0.0.1:8000", tiny_server.url)
    done = subprocess.run([sys.executable, "-c", code], input=dialogue, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == block("")


@needs_node
def test_the_program_of_a_page_shows_what_is_said(
    tiny_server: RunningServer, dialogue: bytes, tmp_path: Path
) -> None:
    recording = tmp_path / "speech.pcm"
    recording.write_bytes(dialogue + bytes(48_000))
    code = block("js").replace("http://127.0.0.1:8000", tiny_server.url)
    done = subprocess.run(
        ["node", "--input-type=module", "-", recording],
        input=code + HEARD_BY_A_PAGE,
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[0])
    assert "summer market" in shown["text"]
    assert shown["protocol"] == "realtime"
    assert shown["sent"] == (len(dialogue) + 48_000) // 4800


def test_the_versions_are_those_that_are_tested() -> None:
    pins = dict(pin.split("==") for pin in requirements("requirements-peers-live.txt"))
    pins["node"] = json.loads((NODE / "package.json").read_text())["dependencies"]["openai"]
    table = PAGE.split("## Clients that were run")[1]
    shown = re.findall(r"\b\d+\.\d+\.\d+\b", table)
    assert sorted(set(shown)) == sorted(set(pins.values()))
