"""What a newcomer installs, and how long the server takes until it is ready."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.report import note, table
from benchmarks.server_process import ServerProcess
from benchmarks.values import Options
from benchmarks.worker import ROOT

TITLE = "Size and start"

RUNS = 5
MEGABYTE = 1_000_000
MEBIBYTE = 1024 * 1024
PIP = ("-m", "pip", "--disable-pip-version-check")

METHOD = f"""\
An environment made and filled as `make serve` does it, with the package index: its size, its packages besides
pip and setuptools, and the size of the folder of weights beside it. Then the server with its defaults,
started {RUNS} times on a warm disk: from the start of the process until a connection is answered, until
`/health/ready` is 200, and its resident memory then, with that of its children (shared pages counted in each
process). Medians."""


def measure(_: Options) -> str:
    with tempfile.TemporaryDirectory() as folder:
        megabytes, packages, weights = _install(Path(folder))
    runs = [_start() for _ in range(RUNS + 1)][1:]  # the first warms the disk
    listening, ready, memory = (median(values) for values in zip(*runs, strict=True))
    rows = [
        ("environment", f"{megabytes} MB"),
        ("packages", packages),
        ("weights", f"{weights} MB"),
        ("first answer", f"{listening:.2f} s"),
        ("ready", f"{ready:.2f} s"),
        ("idle memory", f"{memory / MEGABYTE:.0f} MB"),
    ]
    return f"{METHOD}\n\n" + table(("", ""), rows)


def _install(folder: Path) -> tuple[int, int, int]:
    """Megabytes of the environment, packages in it, megabytes of weights."""
    environment, weights = folder / "venv", folder / "weights"
    python = environment / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([python, *PIP, "install", "--quiet", "-r", ROOT / "requirements.txt"], check=True)
    subprocess.run([sys.executable, "-m", "cli", "install-weights", "--to", weights], cwd=ROOT, check=True)
    listed = subprocess.run(
        [python, *PIP, "list", "--format=freeze", "--exclude=pip", "--exclude=setuptools"],
        check=True,
        capture_output=True,
        text=True,
    )
    return _size(environment), len(listed.stdout.split()), _size(weights)


def _size(folder: Path) -> int:
    """In MiB, as `du -sm` counts."""
    blocks = sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
    return round(blocks / MEBIBYTE)


def _start() -> tuple[float, float, int]:
    with ServerProcess.running(("server.py",), False) as server:
        found = server.listening_seconds, server.ready_seconds, server.rss()
    note("answers after {:.2f} s, ready after {:.2f} s, {} bytes".format(*found))
    return found
